import { type StoredTime, toStoredTime } from "../../../src/driver/index.ts";
import type { FetchedPartition } from "../client/kafka-client.ts";
import { corruptBatch, kafkaError } from "../errors.ts";
import { type EpochSpan, UNKNOWN_EPOCH } from "../fetch/read-epochs.ts";
import { UnreadableOffsets } from "../fetch/unreadable-offsets.ts";
import { type BatchFacts, KafkaRecord, readVarint } from "../records.ts";
import { decompress } from "./compression.ts";
import { crc32c } from "./crc32c.ts";

/** Layout: https://kafka.apache.org/documentation/#recordbatch */
const HEADER_BYTES = 61;
const LENGTH_END = 12;
/** A damaged batch can have a wrong length. A request never asks for more bytes than this. */
const MAX_BATCH_BYTES = 64 * 1_048_576;
const MAGIC = 2;
const MAGIC_AT = 16;
const CHECKSUM_AT = 17;
/** The checksum covers the bytes from here on. */
const CHECKED_AT = 21;
const CODEC_MASK = 0x07;
const IS_LOG_APPEND_TIME = 0x08;
const IS_TRANSACTIONAL = 0x10;
const IS_CONTROL = 0x20;
const ABORT_MARKER = 0;
/** The sum of two numbers below this is exact. */
const LARGEST_EXACT = 2 ** 52;

/** The content of an answer for one partition. */
export interface ReadBatches {
  /** From the requested offset on, in log order, without control records and without records of aborted transactions. */
  readonly records: readonly KafkaRecord[];
  /** The next offset to read: after everything that was read, also after records that were left out. */
  readonly nextOffset: bigint;
  /** The leader epochs in which it was stored, in log order. */
  readonly epochs: readonly EpochSpan[];
}

/** How far a batch has been read. Everything before it can be delivered, even if the rest cannot be read. */
interface ReadProgress {
  base: bigint;
  offsetDelta: number;
  /** The length of the current record is valid, so the records after it can be read even if this one cannot. */
  isFramed: boolean;
  /** The decompressed bytes of all batches of the portion. */
  bytes: number;
}

/**
 * Reads the batches of an answer in portions, because a megabyte can decompress to hundreds. An incomplete batch at the end is left for
 * the next request. A portion ends before unreadable offsets, so that everything before them is delivered. If a portion starts with
 * unreadable offsets, they are thrown. A batch with a wrong checksum is not read: any byte of it may be wrong, including the number
 * of its records.
 */
export class FetchedBatches {
  readonly #fetched: FetchedPartition;
  readonly #aborted: AbortedTransactions;
  #at = 0;
  /** The next batch, if it was decompressed and did not fit into the portion. */
  #unpacked: Buffer | null = null;
  /** The start of the batch whose checksum was checked last. */
  #checkedAt = -1;

  constructor(fetched: FetchedPartition) {
    this.#fetched = fetched;
    this.#aborted = new AbortedTransactions(fetched.abortedTransactions);
  }

  get lastStableOffset(): bigint {
    return this.#fetched.lastStableOffset;
  }

  /** Is there another portion? */
  get hasMore(): boolean {
    const { batches } = this.#fetched;
    return this.#at + HEADER_BYTES <= batches.length && batchEnd(batches, this.#at) <= batches.length;
  }

  /**
   * @param maxBytes decompressed; the first batch of a portion may be larger
   * @throws UnreadableOffsets if the portion starts with offsets that cannot be read
   */
  async read(fromOffset: bigint, maxBytes: number): Promise<ReadBatches> {
    const { batches, lastStableOffset } = this.#fetched;
    const aborted = this.#aborted;
    const records: KafkaRecord[] = [];
    const epochs: EpochSpan[] = [];
    let nextOffset = fromOffset;
    let leaderEpoch = UNKNOWN_EPOCH;
    /** Of the latest batch whose header was read. */
    let firstOffset: bigint | null = null;
    const progress: ReadProgress = { base: nextOffset, offsetDelta: 0, isFramed: false, bytes: 0 };
    while (this.#at + HEADER_BYTES <= batches.length && progress.bytes < maxBytes) {
      const at = this.#at;
      const end = batchEnd(batches, at);
      progress.base = nextOffset;
      progress.offsetDelta = 0;
      progress.isFramed = false;
      let lastOffset: bigint | null = null;
      try {
        if (batches[at + MAGIC_AT] !== MAGIC) throw oldFormat(batches[at + MAGIC_AT]!);
        const header = readHeader(batches, at);
        const { baseOffset, attributes, producerId } = header;
        if (baseOffset > progress.base && baseOffset < lastStableOffset) progress.base = baseOffset;
        if (end > batches.length) break;
        this.#verifyChecksum(at, end);
        ({ lastOffset } = header);
        leaderEpoch = batches.readInt32BE(at + 12);
        firstOffset = baseOffset > fromOffset ? baseOffset : fromOffset;
        const isAborted = aborted.covers(producerId, lastOffset) && (attributes & IS_TRANSACTIONAL) !== 0;
        if ((attributes & IS_CONTROL) !== 0) {
          if (controlType(batches, at) === ABORT_MARKER) aborted.ended(producerId);
        } else if (!isAborted && lastOffset >= fromOffset) {
          const packed = batches.subarray(at + HEADER_BYTES, end);
          const codec = attributes & CODEC_MASK;
          const bytes = this.#unpacked ?? (codec === 0 ? packed : await decompress(codec, packed));
          this.#unpacked = null;
          if (progress.bytes > 0 && progress.bytes + bytes.length > maxBytes) {
            this.#unpacked = bytes;
            break;
          }
          progress.base = baseOffset;
          progress.bytes += bytes.length;
          readRecords({ bytes, baseOffset, attributes, memory: null }, batches, at, fromOffset, progress, records);
        }
        if (lastOffset >= nextOffset) nextOffset = lastOffset + 1n;
        addSpan(epochs, { leaderEpoch, firstOffset, endOffset: nextOffset });
      } catch (error) {
        const found = progress.base + BigInt(progress.offsetDelta);
        const first = found > fromOffset ? found : fromOffset;
        const last = progress.isFramed ? first : (lastOffset ?? lastOfDamaged(batches, at, end, first, lastStableOffset));
        if (last < first) {
          // All its records were read before.
          if (lastOffset !== null && lastOffset >= nextOffset) {
            nextOffset = lastOffset + 1n;
            addSpan(epochs, { leaderEpoch, firstOffset: firstOffset ?? fromOffset, endOffset: nextOffset });
          }
          this.#at = end;
          continue;
        }
        if (first === fromOffset) throw new UnreadableOffsets(first, last, Math.max(0, end - at), error);
        const spanStart = firstOffset !== null && firstOffset < first ? firstOffset : first;
        addSpan(epochs, { leaderEpoch, firstOffset: spanStart, endOffset: first });
        return { records, nextOffset: first, epochs };
      }
      this.#at = end;
    }
    if (nextOffset === fromOffset && batches.length > 0 && records.length === 0 && !this.#isAtEnd) {
      const at = this.#at;
      const last = lastOfDamaged(batches, at, batches.length, fromOffset, lastStableOffset);
      const byteLength = at + HEADER_BYTES > batches.length ? 0 : Math.min(Math.max(0, batchEnd(batches, at) - at), MAX_BATCH_BYTES);
      throw new UnreadableOffsets(fromOffset, last, byteLength, corruptBatch("the server sent a batch that ends before it is complete"));
    }
    return { records, nextOffset, epochs };
  }

  /** Was the whole answer read? */
  get #isAtEnd(): boolean {
    return this.#at === this.#fetched.batches.length;
  }

  /** Checks the checksum once for each batch, even if its records take several portions. @throws `corrupt` */
  #verifyChecksum(at: number, end: number): void {
    if (this.#checkedAt === at) return;
    if (end < at + HEADER_BYTES) throw corruptBatch("a batch is shorter than its header");
    const { batches } = this.#fetched;
    if (batches.readUInt32BE(at + CHECKSUM_AT) !== crc32c(batches, at + CHECKED_AT, end)) {
      throw corruptBatch("the checksum of a batch does not match its bytes");
    }
    this.#checkedAt = at;
  }
}

function addSpan(spans: EpochSpan[], span: EpochSpan): void {
  const last = spans.at(-1);
  if (last?.leaderEpoch !== span.leaderEpoch) spans.push(span);
  else spans[spans.length - 1] = { ...span, firstOffset: last.firstOffset };
}

/**
 * Finds the last offset of a batch in which any byte may be wrong. The start of the next batch is the best evidence. Without a next
 * batch, the batch's own last offset is used if its record count agrees with it. Otherwise only the requested offset is skipped.
 * @param first the first offset of the batch that is not read yet
 * @returns less than `first` if the whole batch lies before it
 */
function lastOfDamaged(batches: Buffer, at: number, end: number, first: bigint, endOffset: bigint): bigint {
  if (at + HEADER_BYTES > batches.length) return first;
  const { baseOffset, lastOffset } = readHeader(batches, at);
  const isOld = batches[at + MAGIC_AT]! < MAGIC;
  // In the old formats, the base offset is the offset of the last message.
  const ownLast = isOld ? baseOffset : lastOffset;
  const nextOffset = end >= at + HEADER_BYTES || isOld ? followingOffset(batches, end) : null;
  if (nextOffset !== null && nextOffset > baseOffset && nextOffset <= endOffset) {
    return ownLast >= first && ownLast < nextOffset ? ownLast : nextOffset - 1n;
  }
  const isConsistent = isOld || batches.readInt32BE(at + 57) === batches.readInt32BE(at + 23) + 1;
  return isConsistent && ownLast >= first && ownLast < endOffset ? ownLast : first;
}

/** The base offset of the batch at this place; `null` if there is no batch. */
function followingOffset(batches: Buffer, at: number): bigint | null {
  if (at < 0 || at + MAGIC_AT >= batches.length || batches[at + MAGIC_AT]! > MAGIC) return null;
  return batches.readBigInt64BE(at);
}

function batchEnd(batches: Buffer, at: number): number {
  return at + LENGTH_END + batches.readInt32BE(at + 8);
}

function readHeader(batches: Buffer, at: number) {
  const baseOffset = batches.readBigInt64BE(at);
  const lastOffset = baseOffset + BigInt(batches.readInt32BE(at + 23));
  return { baseOffset, lastOffset, attributes: batches.readInt16BE(at + 21), producerId: batches.readBigInt64BE(at + 43) };
}

function oldFormat(magic: number): Error {
  return kafkaError("unsupported", `a batch has the message format ${magic} of Kafka before 0.11; format 2 is read`);
}

function readRecords(
  batch: BatchFacts,
  header: Buffer,
  headerAt: number,
  fromOffset: bigint,
  progress: ReadProgress,
  into: KafkaRecord[],
): void {
  const { bytes, baseOffset, attributes } = batch;
  const firstTimestamp = header.readBigInt64BE(headerAt + 27);
  const firstTimestampMs = Number(firstTimestamp);
  const hasExactSums = Math.abs(firstTimestampMs) < LARGEST_EXACT;
  const appendTime = (attributes & IS_LOG_APPEND_TIME) === 0 ? null : toStoredTime(header.readBigInt64BE(headerAt + 35));
  const count = header.readInt32BE(headerAt + 57);
  // Compaction keeps the offset deltas, so they may have gaps.
  const firstWanted = fromOffset > baseOffset ? Number(fromOffset - baseOffset) : 0;
  const cursor = { at: 0 };
  for (let index = 0; index < count; index += 1) {
    const length = readVarint(bytes, cursor);
    const end = cursor.at + length;
    if (length < 0 || end > bytes.length) throw corruptBatch("a record ends after its batch");
    // Skips the attributes of the record: none are defined.
    cursor.at += 1;
    const timestampAt = cursor.at;
    const timestampDelta = readVarlong(bytes, cursor);
    const offsetDelta = readVarint(bytes, cursor);
    if (offsetDelta < firstWanted) {
      cursor.at = end;
      continue;
    }
    progress.offsetDelta = offsetDelta;
    progress.isFramed = true;
    const keyLength = readVarint(bytes, cursor);
    const keyAt = cursor.at;
    if (keyLength > 0) cursor.at += keyLength;
    const valueLength = readVarint(bytes, cursor);
    const valueAt = cursor.at;
    if (valueLength > 0) cursor.at += valueLength;
    const headerCount = readVarint(bytes, cursor);
    const headersAt = cursor.at;
    const headerBytes = headerCount === 0 ? 0 : skipHeaders(bytes, cursor, headerCount, end);
    if (cursor.at > end || headerCount < 0) throw corruptBatch("the parts of a record end after the record");
    const places = { keyAt, keyLength, valueAt, valueLength, headersAt, headerCount, headerBytes };
    const isExact = hasExactSums && Math.abs(timestampDelta) < LARGEST_EXACT;
    const producedTime = isExact ? firstTimestampMs + timestampDelta : exactSum(firstTimestamp, bytes, timestampAt);
    into.push(new KafkaRecord(batch, offsetDelta, appendTime ?? producedTime, places));
    progress.offsetDelta = offsetDelta + 1;
    progress.isFramed = false;
    cursor.at = end;
  }
}

/** Checks the headers, so that they can be read later without errors. @returns the bytes of their names and values */
function skipHeaders(bytes: Buffer, cursor: { at: number }, count: number, end: number): number {
  let total = 0;
  for (let index = 0; index < count && cursor.at <= end; index += 1) {
    const nameLength = readVarint(bytes, cursor);
    cursor.at += Math.max(nameLength, 0);
    if (nameLength < 0) throw corruptBatch("a header has no name");
    // -1: the value is null, which differs from empty.
    const valueLength = Math.max(readVarint(bytes, cursor), 0);
    cursor.at += valueLength;
    total += nameLength + valueLength;
  }
  return total;
}

/** The sum of a time and the delta at `at`, for times that a number cannot hold exactly, such as nanoseconds. */
function exactSum(time: bigint, bytes: Buffer, at: number): StoredTime {
  let zigzag = 0n;
  for (let index = at, shift = 0n; shift < 70n; index += 1, shift += 7n) {
    const byte = bytes[index] ?? 0;
    zigzag |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return toStoredTime(BigInt.asIntN(64, time + ((zigzag >> 1n) ^ -(zigzag & 1n))));
}

/** Exact up to 2^52, which is enough for time deltas in milliseconds. */
function readVarlong(bytes: Buffer, cursor: { at: number }): number {
  let value = 0;
  let scale = 1;
  let byte: number;
  do {
    byte = bytes[cursor.at++] ?? 0;
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
  } while (byte >= 0x80);
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** The type of a control batch. The key of its record is a version and a type, and it is never compressed. */
function controlType(batches: Buffer, headerAt: number): number {
  const cursor = { at: headerAt + HEADER_BYTES };
  readVarint(batches, cursor);
  cursor.at += 1;
  readVarlong(batches, cursor);
  readVarint(batches, cursor);
  return readVarint(batches, cursor) >= 4 ? batches.readInt16BE(cursor.at + 2) : -1;
}

/** The producers with an aborted transaction at the place that is being read. */
class AbortedTransactions {
  readonly #next: { readonly producerId: bigint; readonly firstOffset: bigint }[];
  readonly #open = new Set<bigint>();

  constructor(transactions: FetchedPartition["abortedTransactions"]) {
    this.#next = transactions.toSorted((a, b) => (a.firstOffset < b.firstOffset ? 1 : a.firstOffset > b.firstOffset ? -1 : 0));
  }

  covers(producerId: bigint, lastOffset: bigint): boolean {
    for (let next = this.#next.at(-1); next !== undefined && next.firstOffset <= lastOffset; next = this.#next.at(-1)) {
      this.#open.add(next.producerId);
      this.#next.pop();
    }
    return this.#open.has(producerId);
  }

  ended(producerId: bigint): void {
    this.#open.delete(producerId);
  }
}
