import type { CallShape, CallSlice, PublishCall } from "../driver/producer-driver.ts";
import type { Lane } from "./lane.ts";
import type { PendingMessage } from "./pending-message.ts";
import { nowMs } from "./producer-timer.ts";
import type { ReadyList } from "./ready-list.ts";

/** One call of the driver's `write` that is in flight, with what is needed to settle it. */
export class ActiveCall implements PublishCall {
  readonly slices: CallSlice[] = [];
  /** The lane of each slice, by the same index. */
  readonly lanes: Lane[] = [];
  readonly destination: string;
  bytes = 0;
  messages = 0;
  /** As `CallShape.maxCallRecords` counts them. */
  records = 0;
  readonly startedAtMs = nowMs();
  /** Messages whose callers still wait. */
  #waitedFor = 0;
  readonly #controller = new AbortController();

  constructor(destination: string) {
    this.destination = destination;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  add(lane: Lane, records: readonly PendingMessage[]): void {
    let bytes = 0;
    for (const record of records) {
      record.markSent();
      bytes += record.bytes;
    }
    this.slices.push({ lane: lane.name, records, bytes });
    this.lanes.push(lane);
    this.bytes += bytes;
    this.messages += records.length;
    this.records += lane.name === null ? records.length : 1;
    this.#waitedFor += records.length;
    lane.sendWith(this, records, bytes);
  }

  /** The caller of one message no longer waits for it. When no caller waits, the driver is asked to stop. */
  callerGaveUp(): void {
    this.#waitedFor -= 1;
    if (this.#waitedFor === 0) this.#controller.abort();
  }

  abort(): void {
    this.#controller.abort();
  }
}

/**
 * Fills one call from the lanes of a destination, in the order in which they became ready, and removes those lanes from the list.
 * `unnamedLane` makes a lane for messages that have none and are sent together.
 */
export function fillCall(destination: string, ready: ReadyList, shape: CallShape, unnamedLane: () => Lane): ActiveCall {
  const call = new ActiveCall(destination);
  const { maxCallRecords = Infinity } = shape;
  let maxLanes = shape.lanesPerCall === "one" ? 1 : Infinity;
  // Each of them leaves the list, or ends the call.
  for (let lane = ready.first; lane !== null; lane = ready.first) {
    // The lane has been emptied since, or its messages were sent to another destination.
    if (!lane.canSend) {
      ready.remove(lane);
      continue;
    }
    const isFirst = call.lanes.length === 0;
    maxLanes = Math.min(maxLanes, lane.maxSharedLanes);
    if (!isFirst && (call.lanes.length >= maxLanes || (lane.name === null && call.lanes.some((other) => other.name === null)))) break;
    const ordered = lane.name !== null;
    const maxOfLane = ordered ? shape.maxLaneMessages : maxCallRecords - call.records;
    const maxMessages = Math.min(shape.maxCallMessages - call.messages, maxOfLane, lane.splitLimit);
    const maxBytes = Math.min(shape.maxCallBytes - call.bytes, ordered ? shape.maxLaneBytes : Infinity);
    // One message may be larger than `maxCallBytes` and still within the limits of the topic: it is sent alone, and the provider decides.
    const records = lane.take(maxMessages, maxBytes, isFirst ? 1 : 0);
    if (records.length === 0) break;
    if (lane.kind === "free") {
      const own = unnamedLane();
      for (const record of records) record.enterLane(own);
      call.add(own, records);
      ready.remove(lane);
      // Behind the lanes that are ready already: a flood of messages without a key must not keep keys waiting.
      if (lane.readyCount > 0) ready.add(lane);
    } else {
      ready.remove(lane);
      call.add(lane, records);
    }
    if (call.lanes.length >= maxLanes || call.messages >= shape.maxCallMessages) break;
    if (call.records >= maxCallRecords || call.bytes >= shape.maxCallBytes) break;
  }
  return call;
}
