import type { OutgoingRecord, RecordResult, SliceResult, StreamError } from "../../../src/driver/index.ts";
import { positionBehind } from "../records.ts";

/** Receipts of a batch; positions are made for those that are looked at. */
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
    return positionBehind(this.#baseOffset, index);
  }
}

/** Receipts one by one: of records with times of their own, and of a batch that took only the first of `count`. */
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
    position: positionBehind(baseOffset, index),
    timestampMs: hasOwnTimes ? (record.timestampMs ?? timestampMs) : timestampMs,
  }));
  while (results.length < count) results.push({ outcome: "retryable", error: later, retryAfterMs: 0 });
  return { outcome: "each", results };
}
