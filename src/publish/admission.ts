import type { TopicContext } from "../topic-context.ts";
import type { Lane } from "./lane.ts";
import type { PendingMessage } from "./pending-message.ts";
import { sendError } from "./send-error.ts";

/** One lane may hold at most this part of the byte bound, so that a slow lane leaves room for the others. */
const LANE_SHARE = 1 / 4;

/** Keeps the admitted bytes, which are queued for calls or in calls, under the bound, and counts the bytes that wait for room. */
export class Admission {
  readonly #bound: number;
  readonly #laneShare: number;
  /** Lanes that wait for room under the bound, the longest wait first. */
  readonly #forRoom = new Set<Lane>();
  #admittedBytes = 0;
  #waitingBytes = 0;

  constructor(maxBufferedBytes: number) {
    this.#bound = maxBufferedBytes;
    this.#laneShare = maxBufferedBytes * LANE_SHARE;
  }

  get admittedBytes(): number {
    return this.#admittedBytes;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** True while a lane waits for room under the bound. */
  get isFull(): boolean {
    return this.#forRoom.size > 0;
  }

  /** @throws `throttled` when as many bytes as the bound are waiting for room already */
  requireRoom(context: TopicContext, isPrepared: boolean): void {
    // Before the lanes are known nothing can be admitted. As many bytes as the bound will be admitted then, so they do not count here.
    if (this.#waitingBytes < this.#bound * (isPrepared ? 1 : 2)) return;
    const text = `${this.#waitingBytes} bytes are already waiting for room; with maxBufferedBytes ${this.#bound} no more are accepted: await the sends, or use sendStream`;
    throw sendError(context, "throttled", text);
  }

  /** A message starts to wait, or the size of a waiting message has become known; `bytes` is then the difference. */
  wait(bytes: number): void {
    this.#waitingBytes += bytes;
  }

  /** Admits messages of a lane in slot order while there is room. No message overtakes an earlier one of its lane. */
  admit(lane: Lane): void {
    for (let next = lane.nextToAdmit(); next !== undefined && next.state === "waiting"; next = lane.nextToAdmit()) {
      const held = lane.admittedBytes;
      // The results of the lane's own calls make room for it. Its first message is always admitted.
      if (lane.kind === "ordered" && held > 0 && held + next.bytes > this.#laneShare) break;
      const isFirst = this.#forRoom.size === 0 || this.#forRoom.values().next().value === lane;
      if (!isFirst || (this.#admittedBytes > 0 && this.#admittedBytes + next.bytes > this.#bound)) {
        this.#forRoom.add(lane);
        return;
      }
      this.#waitingBytes -= next.bytes;
      this.#admittedBytes += next.bytes;
      lane.admitNext(next);
    }
    this.#forRoom.delete(lane);
  }

  /** The messages of these bytes have settled. */
  release(bytes: number): void {
    this.#admittedBytes -= bytes;
  }

  /** A queued message has settled without a call. */
  discard(message: PendingMessage, lane: Lane): void {
    if (message.state === "admitted") {
      lane.dropAdmitted(message);
      this.#admittedBytes -= message.bytes;
    } else {
      this.#waitingBytes -= message.bytes;
    }
  }

  forget(lane: Lane): void {
    this.#forRoom.delete(lane);
  }

  /** Called when there may be room again. Admits what fits, in the order of the waiting lanes, and yields each lane that it tried. */
  *admitWaiting(): Generator<Lane> {
    for (const lane of this.#forRoom) {
      this.admit(lane);
      yield lane;
      if (this.#forRoom.has(lane)) return;
    }
  }
}
