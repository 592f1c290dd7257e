import type { TopicContext } from "../topic-context.ts";
import type { Lane } from "./lane.ts";
import type { PendingMessage } from "./pending-message.ts";
import { sendError } from "./publish-context.ts";

/** One lane may hold at most this part of the byte bound, so that a slow one leaves room for the others. */
const LANE_SHARE = 1 / 4;

/** Keeps the bytes that are queued for calls or in calls under the bound, and counts those that wait for room. */
export class Admission {
  readonly #bound: number;
  readonly #laneShare: number;
  /** Lanes that need room in the whole, the longest waiting first. */
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

  /** Does any lane wait for room in the whole? */
  get isFull(): boolean {
    return this.#forRoom.size > 0;
  }

  /** @throws `throttled` when as many bytes as the bound are waiting for room already */
  requireRoom(context: TopicContext, isPrepared: boolean): void {
    // Before the lanes are known nothing can be admitted: what would be does not count as waiting for room.
    if (this.#waitingBytes < this.#bound * (isPrepared ? 1 : 2)) return;
    const text = `${this.#waitingBytes} bytes are waiting for room already; with maxBufferedBytes ${this.#bound} no more are taken: await the sends, or use sendStream`;
    throw sendError(context, "throttled", text);
  }

  /** A message waits from now on; also when its size becomes known (`bytes` is the change then). */
  wait(bytes: number): void {
    this.#waitingBytes += bytes;
  }

  /** Admits what it can of a lane, in slot order: never a message while an earlier one of the lane waits. */
  admit(lane: Lane): void {
    for (let next = lane.nextToAdmit(); next !== undefined && next.state === "waiting"; next = lane.nextToAdmit()) {
      const held = lane.admittedBytes;
      // The lane's own results make room; its first message may always go.
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

  /** Bytes of messages that are done with. */
  release(bytes: number): void {
    this.#admittedBytes -= bytes;
  }

  /** A queued message has settled without a call. */
  discard(message: PendingMessage, lane: Lane): void {
    if (message.state === "admitted") {
      lane.readyBytes -= message.bytes;
      lane.readyCount -= 1;
      this.#admittedBytes -= message.bytes;
    } else {
      this.#waitingBytes -= message.bytes;
    }
  }

  forget(lane: Lane): void {
    this.#forRoom.delete(lane);
  }

  /** There may be room again: the lanes that got some. */
  *admitWaiting(): Generator<Lane> {
    for (const lane of this.#forRoom) {
      this.admit(lane);
      yield lane;
      if (this.#forRoom.has(lane)) return;
    }
  }
}
