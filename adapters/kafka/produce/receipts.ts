import type { OutgoingRecord, RecordResult, SliceResult, StreamError } from "../../../src/driver/index.ts";
import { positionAt } from "../records.ts";

/** The receipts of a stored batch. A position is made only when it is read. */
export class StoredSlice {
  readonly outcome = "stored";
  readonly partition: string;
  readonly timestampMs: number;
  readonly #baseOffset: bigint;

  constructor(partition: string, timestampMs: number, baseOffset: bigint) {
    this.partition = partition;
    this.timestampMs = timestampMs;
    this.#baseOffset = baseOffset;
  }

  positionOf(index: number): string {
    return positionAt(this.#baseOffset, index);
  }
}

/** Single receipts: for records with their own times, and for a batch that took only the first of `count` records. */
export function eachStored(
  partition: string,
  baseOffset: bigint,
  sent: readonly OutgoingRecord[],
  count: number,
  timestampMs: number,
  hasOwnTimes: boolean,
  later: StreamError,
): SliceResult {
  const results: RecordResult[] = sent.map((record, index) => ({
    outcome: "stored",
    partition,
    position: positionAt(baseOffset, index),
    timestampMs: hasOwnTimes ? (record.timestampMs ?? timestampMs) : timestampMs,
  }));
  while (results.length < count) results.push({ outcome: "retryable", error: later, retryAfterMs: 0 });
  return { outcome: "each", results };
}
