import { decompress } from "./compression.ts";
import { type PartitionLog, batchOf } from "./partition-log.ts";
import type { RecordBatch } from "./record-batch.ts";
import { RecordCursor } from "./record-cursor.ts";
import { producedTime } from "./record-time.ts";

export interface FoundRecord {
  readonly offset: bigint;
  readonly timestampMs: number | bigint;
  readonly leaderEpoch: number;
}

/** The first record in log order with the time `timestampMs` or a later one, before `limit`. */
export function firstRecordAt(log: PartitionLog, timestampMs: number, limit: bigint): FoundRecord | null {
  for (const stored of log.batchesFrom(log.startOffset)) {
    if (stored.baseOffset >= limit) return null;
    if (stored.maxTimestampMs < timestampMs) continue;
    const found = firstInBatch(batchOf(stored), (time) => time >= timestampMs, log.startOffset);
    if (found !== null) return found.offset < limit ? found : null;
  }
  return null;
}

/** The first record with the largest timestamp. As on a server it may be a deleted record whose segment still exists. */
export function recordWithMaxTimestamp(log: PartitionLog): FoundRecord | null {
  let newest: RecordBatch | null = null;
  for (const stored of log.segments.flatMap(({ batches }) => batches)) {
    const batch = batchOf(stored);
    if (batch.count > 0 && (newest === null || batch.maxTimestamp > newest.maxTimestamp)) newest = batch;
  }
  if (newest === null) return null;
  const { maxTimestamp } = newest;
  return firstInBatch(newest, (time) => time >= maxTimestamp, newest.baseOffset);
}

function firstInBatch(batch: RecordBatch, matches: (timestampMs: number | bigint) => boolean, from: bigint): FoundRecord | null {
  const { baseOffset, maxTimestampMs, hasAppendTime, leaderEpoch } = batch;
  const cursor = new RecordCursor(decompress(batch.codec, batch.payload));
  while (!cursor.isAtEnd) {
    cursor.next();
    const offset = baseOffset + BigInt(cursor.offsetDelta);
    const timestampMs = hasAppendTime ? maxTimestampMs : producedTime(batch, cursor);
    if (offset >= from && matches(timestampMs)) return { offset, timestampMs, leaderEpoch };
  }
  return null;
}
