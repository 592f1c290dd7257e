import type { StoredRecord } from "../driver/record.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { HandlerCall } from "./handler-call.ts";
import type { Lane } from "./key-lanes.ts";
import type { Delivery } from "./progress.ts";

/** One delivered message that is being handled or waits for it. */
export interface Entry {
  readonly delivery: Delivery;
  readonly index: number;
  readonly record: StoredRecord;
  /** As text, decoded once. */
  readonly key: string | null;
  /** Attempts that failed since it was delivered. */
  failures: number;
}

/** The number of the attempt that comes next: it counts on where the provider counts deliveries. */
export function attemptOf(entry: Entry): number {
  return (entry.record.deliveryAttempt ?? 1) + entry.failures;
}

/** Messages that go through the handler together: one with `run`, a batch with `runBatches`. */
export class Work<T> {
  readonly state: AssignmentState<T>;
  entries: readonly Entry[];
  /** Those of its messages; `null`: none taken, because nothing could get in between. */
  lanes: Lane<T>[] | null = null;
  /** The call that runs; `null` between two attempts. */
  call: HandlerCall | null = null;
  /** Of the back-off. */
  timer: NodeJS.Timeout | null = null;

  constructor(state: AssignmentState<T>, entries: readonly Entry[]) {
    this.state = state;
    this.entries = entries;
  }

  get attempt(): number {
    let attempt = 1;
    for (const entry of this.entries) attempt = Math.max(attempt, attemptOf(entry));
    return attempt;
  }
}
