import { ErrorCode, type RecordError, Refusal } from "../error-code.ts";
import { CODECS, ZSTD, compress, decompress } from "./compression.ts";
import { BATCH_HEADER_BYTES, CODEC_MASK, LOG_OVERHEAD_BYTES, MAGIC, RecordBatch, headerOf, writeBatch } from "./record-batch.ts";
import { RecordCursor } from "./record-cursor.ts";
import { producedTime } from "./record-time.ts";

/** The requirements of a topic for the batches that it stores. */
export interface BatchRules {
  readonly maxMessageBytes: number;
  readonly isCompacted: boolean;
  readonly hasAppendTime: boolean;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** `producer`: batches keep the codec of their producer. */
  readonly compression: (typeof CODECS)[number] | "producer";
}

/** The first version of Produce whose clients understand zstd. */
const PRODUCE_WITH_ZSTD = 7;

/** The one batch that a Produce request has for a partition. @throws `Refusal` */
export function onlyBatch(records: Buffer, produceVersion: number): RecordBatch {
  if (records.length < BATCH_HEADER_BYTES) throw invalid("a request has no whole batch for a partition");
  const batch = new RecordBatch(records);
  if (batch.magic !== MAGIC) throw invalid(`a batch has message format ${batch.magic}, not ${MAGIC}`);
  if (batch.byteLength < BATCH_HEADER_BYTES) throw new Refusal(ErrorCode.corruptMessage, "a batch is shorter than its header");
  if (batch.byteLength > records.length) throw invalid("a request has no whole batch for a partition");
  if (batch.byteLength + LOG_OVERHEAD_BYTES <= records.length) throw invalid("a request has more than one batch for a partition");
  if (batch.codec === ZSTD && produceVersion < PRODUCE_WITH_ZSTD) {
    throw new Refusal(ErrorCode.unsupportedCompressionType, `Produce ${produceVersion} does not have zstd`);
  }
  return batch;
}

/**
 * Checks a whole batch. @returns the batch to store, which only lacks its offset. Its time is set if the topic requires it
 * @throws `Refusal`
 */
export function checkBatch(batch: RecordBatch, rules: BatchRules, nowMs: number): RecordBatch {
  if (batch.baseOffset !== 0n) throw invalid(`the base offset is ${batch.baseOffset}, not 0`);
  requireSize(batch.byteLength, rules);
  if (!batch.isIntact) throw new Refusal(ErrorCode.corruptMessage, "the checksum of a batch does not match");
  if (batch.isControl) throw invalid("clients do not write control records");
  if (batch.count < 1 || batch.count !== batch.lastOffsetDelta + 1) throw invalid("the number of records is not that of their offsets");
  if (batch.producerId >= 0n && batch.baseSequence < 0) throw invalid("a batch of an idempotent producer has no sequence");
  const payload = decompress(batch.codec, batch.payload);
  const maxTimestampMs = checkRecords(batch, payload, rules, nowMs);
  const stored = recompressed(batch, payload, rules);
  if (rules.hasAppendTime) stored.setTime(nowMs, true);
  // The broker decides this, whatever the producer has set.
  else if (stored.hasAppendTime || stored.maxTimestamp !== BigInt(maxTimestampMs)) stored.setTime(maxTimestampMs, false);
  return stored;
}

function requireSize(byteLength: number, { maxMessageBytes }: BatchRules): void {
  if (byteLength > maxMessageBytes) {
    throw new Refusal(ErrorCode.messageTooLarge, `a batch has ${byteLength} bytes, and ${maxMessageBytes} are allowed`);
  }
}

/** @returns the largest timestamp */
function checkRecords(batch: RecordBatch, payload: Buffer, rules: BatchRules, nowMs: number): number | bigint {
  const { count } = batch;
  const oldestMs = nowMs - rules.timestampBeforeMaxMs;
  const newestMs = nowMs + rules.timestampAfterMaxMs;
  const withoutKey: RecordError[] = [];
  const mistimed: RecordError[] = [];
  let maxTimestampMs: number | bigint = -1;
  const cursor = new RecordCursor(payload);
  for (let index = 0; index < count; index += 1) {
    if (cursor.isAtEnd) throw invalid("a batch has fewer records than it says");
    cursor.next();
    if (rules.isCompacted && cursor.keyLength < 0) {
      withoutKey.push({ batchIndex: index, batchIndexErrorMessage: "a compacted topic takes no message without a key" });
    }
    const timestampMs = producedTime(batch, cursor);
    if (timestampMs > maxTimestampMs) maxTimestampMs = timestampMs;
    if (!rules.hasAppendTime && timestampMs >= 0 && (timestampMs < oldestMs || timestampMs > newestMs)) {
      mistimed.push({ batchIndex: index, batchIndexErrorMessage: "the timestamp is out of range" });
    }
  }
  if (!cursor.isAtEnd) throw invalid("a batch has more records than it says");
  if (withoutKey.length > 0) throw new Refusal(ErrorCode.invalidRecord, "some records have no key", withoutKey);
  if (mistimed.length > 0) throw new Refusal(ErrorCode.invalidTimestamp, "some records have a timestamp that is out of range", mistimed);
  return maxTimestampMs;
}

/** The batch in the topic's own codec, if the topic has one. */
function recompressed(batch: RecordBatch, payload: Buffer, rules: BatchRules): RecordBatch {
  if (rules.compression === "producer" || rules.compression === CODECS[batch.codec]) return batch;
  const codec = CODECS.indexOf(rules.compression);
  const header = headerOf(batch);
  const bytes = writeBatch({ ...header, attributes: (header.attributes & ~CODEC_MASK) | codec }, compress(codec, payload));
  requireSize(bytes.length, rules);
  return new RecordBatch(bytes);
}

function invalid(message: string): Refusal {
  return new Refusal(ErrorCode.invalidRecord, message);
}
