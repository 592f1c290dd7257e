import type { RecordBatch } from "./record-batch.ts";
import type { RecordCursor } from "./record-cursor.ts";

/** Where two numbers are this small, their sum is exact. */
const LARGEST_EXACT = 2 ** 52;

/**
 * The time that the producer gave the record where the cursor stands: a `bigint` where a number would not be exact, as of clients
 * that write nanoseconds.
 */
export function producedTime({ baseTimestampMs, baseTimestamp }: RecordBatch, cursor: RecordCursor): number | bigint {
  const { timestampDelta } = cursor;
  const isExact = Math.abs(baseTimestampMs) < LARGEST_EXACT && Math.abs(timestampDelta) < LARGEST_EXACT;
  return isExact ? baseTimestampMs + timestampDelta : BigInt.asIntN(64, baseTimestamp + cursor.exactTimestampDelta);
}
