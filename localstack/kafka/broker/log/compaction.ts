import { compress, decompress } from "./compression.ts";
import { type PartitionLog, batchOf } from "./partition-log.ts";
import { CODEC_MASK, RecordBatch, headerOf, writeBatch } from "./record-batch.ts";
import { RecordCursor } from "./record-cursor.ts";
import { producedTime } from "./record-time.ts";
import { Segment, type StoredBatch } from "./segment.ts";

export interface Compaction {
  /** Records from this offset on stay as they are, and supersede nothing. */
  readonly upTo: bigint;
  readonly removesTombstone: (timestampMs: number | bigint) => boolean;
}

/**
 * Only the newest record of each key stays. Offsets do not change, and neither does the end of the log: if its last records are
 * removed, an empty batch keeps their offsets, as in Kafka.
 */
export function compact(log: PartitionLog, { upTo, removesTombstone }: Compaction): void {
  const newest = newestOffsets(log, upTo);
  const stays = (cursor: RecordCursor, offset: bigint, timestampMs: number | bigint): boolean => {
    const isNewest = cursor.key !== null && newest.get(keyText(cursor.key)) === offset;
    return isNewest && (cursor.valueLength >= 0 || !removesTombstone(timestampMs));
  };
  const compacted = log.segments.map((segment) => {
    const copy = new Segment(segment.baseOffset, segment.createdMs);
    for (const stored of segment.batches) {
      const batch = batchOf(stored);
      const isLast = stored.lastOffset === log.endOffset - 1n;
      const kept = stored.lastOffset >= upTo || batch.isControl ? batch : filtered(batch, stays, isLast);
      if (kept !== null) copy.append(kept);
    }
    return copy;
  });
  log.replaceSegments(compacted);
}

/** The newest offset by key, of the committed records. */
function newestOffsets(log: PartitionLog, upTo: bigint): ReadonlyMap<string, bigint> {
  const newest = new Map<string, bigint>();
  for (const stored of log.batchesFrom(log.startOffset)) {
    const batch = batchOf(stored);
    if (stored.lastOffset >= upTo || batch.isControl || isAborted(log, stored)) continue;
    const cursor = new RecordCursor(decompress(batch.codec, batch.payload));
    while (!cursor.isAtEnd) {
      cursor.next();
      if (cursor.key !== null) newest.set(keyText(cursor.key), batch.baseOffset + BigInt(cursor.offsetDelta));
    }
  }
  return newest;
}

function isAborted(log: PartitionLog, stored: StoredBatch): boolean {
  const batch = batchOf(stored);
  if (!batch.isTransactional) return false;
  const { producerId } = batch;
  return log.transactions.abortedBetween(stored.baseOffset, stored.lastOffset + 1n).some((aborted) => aborted.producerId === producerId);
}

/** @returns the batch with the records that stay; `null` if none stays and the batch is not needed */
function filtered(
  batch: RecordBatch,
  stays: (cursor: RecordCursor, offset: bigint, timestampMs: number | bigint) => boolean,
  mustStay: boolean,
): RecordBatch | null {
  const { baseOffset, hasAppendTime } = batch;
  const payload = decompress(batch.codec, batch.payload);
  const cursor = new RecordCursor(payload);
  const kept: Buffer[] = [];
  let maxTimestamp = -1n;
  while (!cursor.isAtEnd) {
    cursor.next();
    const timestampMs = hasAppendTime ? batch.maxTimestampMs : producedTime(batch, cursor);
    if (!stays(cursor, baseOffset + BigInt(cursor.offsetDelta), timestampMs)) continue;
    kept.push(payload.subarray(cursor.begin, cursor.end));
    if (timestampMs > maxTimestamp) maxTimestamp = BigInt(timestampMs);
  }
  if (kept.length === batch.count) return batch;
  if (kept.length === 0 && !mustStay) return null;
  const header = { ...headerOf(batch), count: kept.length };
  // An empty batch is not compressed.
  if (kept.length === 0) return new RecordBatch(writeBatch({ ...header, attributes: header.attributes & ~CODEC_MASK }, Buffer.alloc(0)));
  return new RecordBatch(writeBatch({ ...header, maxTimestamp }, compress(batch.codec, Buffer.concat(kept))));
}

function keyText(key: Buffer): string {
  return key.toString("latin1");
}
