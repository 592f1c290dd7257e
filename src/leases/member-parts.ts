import type { Report, Sink, StreamError } from "../driver/index.ts";
import type { PartitionSource } from "../adapter-kit/partition-source.ts";
import type { Clock } from "./clock.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { LeaseTimes } from "./lease-times.ts";

/** What the parts of one member share. */
export interface MemberParts {
  /** Another one for each member object. */
  readonly id: string;
  /** Answers, or rejects, within `times.requestMs`. */
  readonly store: LeaseStore;
  readonly source: PartitionSource;
  readonly clock: Clock;
  readonly times: LeaseTimes;
  readonly watchMs: number;
  readonly describeMs: number;
  readonly report: Report;
  readonly classify: (error: unknown) => StreamError;
  readonly newId: () => string;
  readonly sink: Sink;
  /** Aborts when the member is closed: nothing is delivered any more. */
  readonly life: AbortSignal;
  /** Aborts when the closed member has released what it owned: no request may be left. */
  readonly requests: AbortSignal;
}
