import { clearTimeout } from "node:timers";
import type { Assignment, ConsumerDriver, Settlement } from "../driver/consumer-driver.ts";
import type { StoredRecord } from "../driver/record.ts";
import type { StreamError } from "../errors.ts";
import { type MessageSource, encodePosition } from "../position/position.ts";
import type { ConsumerStatus } from "./consumer-types.ts";
import { KeyLanes } from "./key-lanes.ts";
import { type Delivery, Progress } from "./progress.ts";
import type { Work } from "./work.ts";

/** Everything about one ownership of one partition. A later ownership of the same partition is another object. */
export class AssignmentState<T> {
  readonly assignment: Assignment;
  readonly source: MessageSource;
  readonly progress = new Progress();
  readonly lanes = new KeyLanes<T>();
  /** Delivered and not yet looked at. */
  readonly inbox: Delivery[] = [];
  /** Whose back-off is over, or whose failed message is out of the way: may start as soon as there is a permit. */
  readonly retries: Work<T>[] = [];
  /** What cannot be read and has been started: nothing behind it starts before it is settled. `null`: nothing of that kind. */
  barrier: Delivery | null = null;
  /** Started and neither handled nor dropped, back-off included. */
  readonly works = new Set<Work<T>>();
  /** Of these, those with a handler or a failure action running. */
  active = 0;
  /** May messages start? Not before `onAssigned` has settled, not after revocation has begun. */
  open = false;
  /** Do results count? `false` for good once the partition is on its way to another owner. */
  current = true;
  /** May progress be stored? Until the driver has been told that we are done with it, or it has told us. */
  owned = true;
  #sealed = false;
  /** Of what is delivered and not handled. */
  bufferedBytes = 0;
  bufferedMessages = 0;
  /** Of `batch.maxWaitMs`: running, or over. */
  batchWait: NodeJS.Timeout | "over" | null = null;
  readonly #unit: ConsumerDriver["settlementUnit"];
  readonly #waitingForRoom: (() => void)[] = [];
  /** Unit `record`: handled, not settled, in the order of handling. */
  #handled: StoredRecord[] = [];
  #settledThrough: string | null = null;
  #end: "none" | "reached" | "settled" = "none";

  constructor(assignment: Assignment, source: MessageSource, unit: ConsumerDriver["settlementUnit"]) {
    this.assignment = assignment;
    this.source = source;
    this.#unit = unit;
  }

  add(records: readonly StoredRecord[]): number {
    if (records.length === 0) return 0;
    let bytes = 0;
    for (const record of records) bytes += record.bytes;
    this.bufferedBytes += bytes;
    this.bufferedMessages += records.length;
    this.inbox.push(this.progress.add(records));
    return bytes;
  }

  complete(delivery: Delivery, index: number): void {
    const record = delivery.records[index]!;
    this.bufferedBytes -= record.bytes;
    this.bufferedMessages -= 1;
    this.progress.complete(delivery, index);
    if (this.#unit === "record") this.#handled.push(record);
  }

  /** Nothing will follow. */
  end(): void {
    if (this.#end === "none") this.#end = "reached";
  }

  get endReached(): boolean {
    return this.#end !== "none";
  }

  get endSettled(): boolean {
    return this.#end === "settled";
  }

  /** What is handled and not yet settled; `null`: nothing. Has to be answered by `settled`. */
  takeSettlement(): Settlement | null {
    const records = this.#handled;
    const through = this.#unit === "position" ? this.progress.through : null;
    const ended = this.#end === "reached" && this.progress.allHandled;
    if (through === this.#settledThrough && records.length === 0 && !ended) return null;
    this.#handled = [];
    return { assignment: this.assignment, through: through === this.#settledThrough ? null : through, records, ended };
  }

  settled(settlement: Settlement, error: StreamError | null): void {
    if (error !== null) this.#handled = [...settlement.records, ...this.#handled];
    else {
      if (settlement.through !== null) this.#settledThrough = settlement.through;
      if (settlement.ended) this.#end = "settled";
    }
  }

  /** Resolves at the next `makeRoom`. */
  room(): Promise<void> {
    return new Promise((resolve) => this.#waitingForRoom.push(resolve));
  }

  get waitsForRoom(): boolean {
    return this.#waitingForRoom.length > 0;
  }

  makeRoom(): void {
    for (const resolve of this.#waitingForRoom.splice(0)) resolve();
  }

  /** Messages may start, unless it was sealed meanwhile. */
  start(): void {
    this.open = !this.#sealed;
  }

  /** Results do not count from now on. What still runs is told why. */
  disown(reason: StreamError): void {
    this.seal();
    this.current = false;
    for (const work of this.works) work.call?.abort(reason);
  }

  /** Nothing starts any more and every timer ends: what waits for another attempt stays unhandled. */
  seal(): void {
    this.#sealed = true;
    this.open = false;
    this.retries.length = 0;
    if (typeof this.batchWait === "object" && this.batchWait !== null) clearTimeout(this.batchWait);
    this.batchWait = null;
    for (const work of this.works) if (work.timer !== null) clearTimeout(work.timer);
  }
}

/** The message that has held its partition back for longest, of all these partitions. */
export function oldestUnhandled<T>(states: readonly AssignmentState<T>[]): ConsumerStatus["oldest"] {
  let found: AssignmentState<T> | null = null;
  let arrivedAtMs = Infinity;
  for (const state of states) {
    const oldest = state.progress.oldest;
    if (oldest === null || oldest.delivery.arrivedAtMs >= arrivedAtMs) continue;
    found = state;
    arrivedAtMs = oldest.delivery.arrivedAtMs;
  }
  const oldest = found?.progress.oldest;
  if (found === null || oldest === null || oldest === undefined) return null;
  const { provider, partition, identity } = found.source;
  const { position } = oldest.delivery.records[oldest.index]!;
  return {
    partition,
    position: encodePosition({ provider, ...identity, partition, position }),
    attempts: attemptsSoFar(found, oldest.delivery.ordinal + oldest.index),
    sinceMs: Date.now() - arrivedAtMs,
  };
}

/** Calls of the handler since the message was delivered; one that runs counts. */
function attemptsSoFar<T>(state: AssignmentState<T>, ordinal: number): number {
  for (const work of state.works) {
    const entry = work.entries.find(({ delivery, index }) => delivery.ordinal + index === ordinal);
    if (entry !== undefined) return entry.failures + (work.call === null ? 0 : 1);
  }
  return 0;
}
