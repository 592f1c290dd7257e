import type { RecordBatch } from "./record-batch.ts";
import type { RecordCursor } from "./record-cursor.ts";

/** The sum of two numbers up to this bound is exact. */
const LARGEST_EXACT = 2 ** 52;

/**
 * The producer's time of the current record: a `bigint` if a number would not be exact, as with clients that write
 * nanoseconds.
 */
export function producedTime({ baseTimestampMs, baseTimestamp }: RecordBatch, cursor: RecordCursor): number | bigint {
  const { timestampDelta } = cursor;
  const isExact = Math.abs(baseTimestampMs) < LARGEST_EXACT && Math.abs(timestampDelta) < LARGEST_EXACT;
  return isExact ? baseTimestampMs + timestampDelta : BigInt.asIntN(64, baseTimestamp + cursor.exactTimestampDelta);
}
