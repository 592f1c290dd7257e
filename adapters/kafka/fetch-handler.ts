import type { DriverGap, StreamError } from "../../src/driver/index.ts";
import type { KafkaRecord } from "./records.ts";

/** Who is given what a partition has. `false` ends it. Nothing of it may throw, but for `gap` and `unreadable`. */
export interface FetchHandler {
  /** Resolves when there is room for more. */
  deliver(records: readonly KafkaRecord[]): Promise<boolean>;
  /** There is nothing to deliver up to and including this position. */
  advanced(through: string): boolean;
  caughtUp(): boolean;
  /** Retention has overtaken. `true`: go on at `resumesAt`. */
  gap(gap: DriverGap): Promise<boolean>;
  /** What is at this offset cannot be read; everything before has been handed over, and nothing more follows. @throws what ends all partitions */
  unreadable(offset: bigint, error: StreamError): void;
}
