import { clearTimeout, setTimeout } from "node:timers";
import type { StoredRecord } from "../driver/record.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { HandlerCall } from "./handler-call.ts";
import { type Lane, laneKeyOf } from "./key-lanes.ts";
import type { Delivery } from "./progress.ts";

/** One delivered message that is being handled, or waits for it. */
export interface Entry {
  readonly delivery: Delivery;
  readonly index: number;
  readonly record: StoredRecord;
  /** As text, decoded once. */
  readonly key: string | null;
  /** Attempts that have failed since it was delivered. */
  failures: number;
}

/** The number of its next attempt. Where the provider counts deliveries, it goes on from that count. */
export function attemptOf(entry: Entry): number {
  return (entry.record.deliveryAttempt ?? 1) + entry.failures;
}

export function attemptFailed(entry: Entry): void {
  entry.failures += 1;
}

/** Messages that go through the handler together: one with `run`, a batch with `runBatches`. */
export class Work<T> {
  readonly state: AssignmentState<T>;
  entries: readonly Entry[];
  /** The lanes of its messages, held for it; `null`: none are held, because nothing else could start meanwhile. */
  lanes: readonly Lane<T>[] | null = null;
  /** The call that runs; `null` between two attempts. */
  call: HandlerCall | null = null;
  #backOff: NodeJS.Timeout | null = null;

  constructor(state: AssignmentState<T>, entries: readonly Entry[]) {
    this.state = state;
    this.entries = entries;
  }

  get attempt(): number {
    let attempt = 1;
    for (const entry of this.entries) attempt = Math.max(attempt, attemptOf(entry));
    return attempt;
  }

  /** These lanes are held for it. */
  hold(lanes: readonly Lane<T>[]): void {
    this.lanes = lanes;
  }

  /** Keeps other work from the lanes of its messages, unless it holds them already. */
  holdLanes(order: "key" | "partition" | "none"): void {
    if (this.lanes !== null) return;
    const held: Lane<T>[] = [];
    const { lanes } = this.state;
    for (const { key } of this.entries) {
      const laneKey = laneKeyOf(order, key);
      if (laneKey !== null && lanes.get(laneKey)?.owner !== this) held.push(lanes.hold(laneKey, this));
    }
    this.lanes = held;
  }

  callStarted(call: HandlerCall): void {
    this.call = call;
  }

  callOver(): void {
    this.call = null;
  }

  /** `done` is called after so many milliseconds, unless the back-off is ended before. */
  backOff(ms: number, done: () => void): void {
    this.#backOff = setTimeout(() => {
      this.#backOff = null;
      done();
    }, ms);
  }

  endBackOff(): void {
    if (this.#backOff !== null) clearTimeout(this.#backOff);
    this.#backOff = null;
  }

  /** Only these of its messages are handled again. */
  keepOnly(entries: readonly Entry[]): void {
    this.entries = entries;
  }
}
