import type { OutgoingRecord, RecordResult, SliceResult } from "../driver/index.ts";
import type { StreamError } from "../errors.ts";

/** The result of a slice that was stored as a whole. A position is made only when it is read. */
export class StoredSlice<First> {
  readonly outcome = "stored";
  readonly partition: string | null;
  readonly timestampMs: number | null;
  readonly #first: First;
  readonly #positionAt: (first: First, index: number) => string | null;

  /**
   * @param first where the first record is stored, in the adapter's own form
   * @param positionAt one function for all slices: the position of the record with this index in the slice
   */
  constructor(
    partition: string | null,
    timestampMs: number | null,
    first: First,
    positionAt: (first: First, index: number) => string | null,
  ) {
    this.partition = partition;
    this.timestampMs = timestampMs;
    this.#first = first;
    this.#positionAt = positionAt;
  }

  positionOf(index: number): string | null {
    return this.#positionAt(this.#first, index);
  }
}

/** The results of stored records one by one, for a slice whose records have times or partitions of their own. */
export function eachStored(
  records: readonly OutgoingRecord[],
  storedAt: (record: OutgoingRecord, index: number) => Omit<Extract<RecordResult, { outcome: "stored" }>, "outcome">,
): RecordResult[] {
  return records.map((record, index) => ({ outcome: "stored", ...storedAt(record, index) }));
}

/** The result of what is certainly not stored: `retryable` or `refused`, as the error says. */
export function notStored(error: StreamError, retryAfterMs?: number): Extract<SliceResult, { outcome: "retryable" | "refused" }> {
  if (!error.retryable) return { outcome: "refused", error };
  return retryAfterMs === undefined ? { outcome: "retryable", error } : { outcome: "retryable", error, retryAfterMs };
}
