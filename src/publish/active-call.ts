import type { CallShape, CallSlice, PublishCall } from "../driver/producer-driver.ts";
import type { Lane } from "./lane.ts";
import type { PendingMessage } from "./pending-message.ts";

/** One request on its way, with what is needed to settle it. */
export class ActiveCall implements PublishCall {
  readonly slices: CallSlice[] = [];
  /** Whose slice it is, by the same index. */
  readonly lanes: Lane[] = [];
  readonly destination: string;
  bytes = 0;
  messages = 0;
  startedAtMs = 0;
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
      record.state = "sent";
      bytes += record.bytes;
    }
    this.slices.push({ lane: lane.name, records, bytes });
    this.lanes.push(lane);
    this.bytes += bytes;
    this.messages += records.length;
    this.#waitedFor += records.length;
    lane.sendWith(this, records, bytes);
  }

  /** A message of this call has been given up. When all have, the driver need not go on. */
  giveUpOne(): void {
    this.#waitedFor -= 1;
    if (this.#waitedFor === 0) this.#controller.abort();
  }

  abort(): void {
    this.#controller.abort();
  }
}

/**
 * Fills one call from the lanes of a destination, in the order in which they became ready, and takes them off the list.
 * `unnamedLane` makes the lane that messages without one get when they leave together.
 */
export function fillCall(destination: string, ready: Set<Lane>, shape: CallShape, unnamedLane: () => Lane): ActiveCall {
  const call = new ActiveCall(destination);
  for (const lane of ready) {
    // It has been emptied since, or has left under another destination.
    if (!lane.canSend) {
      takeOff(lane, ready);
      continue;
    }
    const isFirst = call.lanes.length === 0;
    if (
      !isFirst &&
      (shape.lanesPerCall === "one" || lane.travelsAlone || (lane.name === null && call.lanes.some((other) => other.name === null)))
    ) {
      break;
    }
    const ordered = lane.name !== null;
    const maxMessages = Math.min(shape.maxCallMessages - call.messages, ordered ? shape.maxLaneMessages : Infinity, lane.splitLimit);
    const maxBytes = Math.min(shape.maxCallBytes - call.bytes, ordered ? shape.maxLaneBytes : Infinity);
    // A message over the bytes of a whole call is within the topic's limit: the provider is asked, alone.
    const records = lane.take(maxMessages, maxBytes, isFirst ? 1 : 0);
    if (records.length === 0) break;
    if (lane.kind === "free") {
      const own = unnamedLane();
      for (const record of records) record.lane = own;
      call.add(own, records);
      if (lane.readyCount === 0) takeOff(lane, ready);
    } else {
      takeOff(lane, ready);
      call.add(lane, records);
    }
    if (lane.travelsAlone || call.messages >= shape.maxCallMessages || call.bytes >= shape.maxCallBytes) break;
  }
  return call;
}

function takeOff(lane: Lane, ready: Set<Lane>): void {
  lane.isReady = false;
  ready.delete(lane);
}
