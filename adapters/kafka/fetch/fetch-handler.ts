import type { DriverGap, UnreadableRange } from "../../../src/driver/index.ts";
import type { KafkaRecord } from "../records.ts";

/** Who is given what a partition has. `false` ends it. Nothing of it may throw, but for `gap`. */
export interface FetchHandler {
  /** Resolves when there is room for more. */
  deliver(records: readonly KafkaRecord[]): Promise<boolean>;
  /** What comes next cannot be read, also not when it is fetched again. Resolves when there is room for more. */
  unreadable(range: UnreadableRange): Promise<boolean>;
  /** There is nothing to deliver up to and including this position. */
  advanced(through: string): boolean;
  caughtUp(): boolean;
  /** Retention has overtaken. `true`: go on at `resumesAt`. */
  gap(gap: DriverGap): Promise<boolean>;
}
