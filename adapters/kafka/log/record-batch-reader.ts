import { type StoredTime, toStoredTime } from "../../../src/driver/index.ts";
import type { FetchedPartition } from "../client/kafka-client.ts";
import { corruptBatch, kafkaError } from "../errors.ts";
import { type EpochEnd, UNKNOWN_EPOCH, addEpoch } from "../fetch/read-epochs.ts";
import { UnreadableOffsets } from "../fetch/unreadable-offsets.ts";
import { type BatchFacts, KafkaRecord, readVarint } from "../records.ts";
import { decompress } from "./compression.ts";
import { crc32c } from "./crc32c.ts";

/** Layout: https://kafka.apache.org/documentation/#recordbatch */
const HEADER_BYTES = 61;
const LENGTH_END = 12;
/** No more is asked for on the word of a batch that may be wrong. */
const LARGEST_BATCH_BYTES = 64 * 1_048_576;
const MAGIC = 2;
const MAGIC_AT = 16;
const CHECKSUM_AT = 17;
/** From here on the checksum counts. */
const CHECKED_AT = 21;
const CODEC_MASK = 0x07;
const IS_LOG_APPEND_TIME = 0x08;
const IS_TRANSACTIONAL = 0x10;
const IS_CONTROL = 0x20;
const ABORT_MARKER = 0;
/** Where two numbers are this small, their sum is exact. */
const LARGEST_EXACT = 2 ** 52;

/** What an answer holds for one partition. */
export interface ReadBatches {
  /** From the asked offset on, in log order; without control records, and without those of aborted transactions. */
  readonly records: readonly KafkaRecord[];
  /** Where to go on: behind everything that was looked at, whether it was handed out or not. */
  readonly nextOffset: bigint;
  /** Under which leaders all of it was stored, in log order. */
  readonly epochs: readonly EpochEnd[];
}

/** How far a batch has been read: what lies before can be handed out, whatever is wrong with what follows. */
interface Reached {
  base: bigint;
  offsetDelta: number;
  /** The record that is being read ends where it says: whatever is wrong with it, those behind it can be read. */
  isFramed: boolean;
  /** Decompressed, of all batches of the portion. */
  bytes: number;
}

/**
 * The batches of an answer, taken apart in portions: a megabyte can hold hundreds of them once it is decompressed. A batch that was
 * cut off at the end is left for the next request. What cannot be read ends a portion before it, so that everything before is
 * handed out; it is thrown when a portion begins with it. A batch whose checksum does not match is not looked into: any byte of
 * it may be wrong, also how many records it holds.
 */
export class FetchedBatches {
  readonly #fetched: FetchedPartition;
  readonly #aborted: AbortedTransactions;
  #at = 0;
  /** Of the batch that is next, where it has been decompressed and did not fit. */
  #unpacked: Buffer | null = null;
  /** Where the batch begins whose checksum was found to match. */
  #checkedAt = -1;

  constructor(fetched: FetchedPartition) {
    this.#fetched = fetched;
    this.#aborted = new AbortedTransactions(fetched.abortedTransactions);
  }

  get lastStableOffset(): bigint {
    return this.#fetched.lastStableOffset;
  }

  /** There is another portion. */
  get hasMore(): boolean {
    const { batches } = this.#fetched;
    return this.#at + HEADER_BYTES <= batches.length && batchEnd(batches, this.#at) <= batches.length;
  }

  /**
   * @param maxBytes decompressed; more only for the first batch of the portion, so that there is always one
   * @throws UnreadableOffsets where the portion would begin with what cannot be read
   */
  async read(fromOffset: bigint, maxBytes: number): Promise<ReadBatches> {
    const { batches, lastStableOffset } = this.#fetched;
    const aborted = this.#aborted;
    const records: KafkaRecord[] = [];
    const epochs: EpochEnd[] = [];
    let nextOffset = fromOffset;
    let leaderEpoch = UNKNOWN_EPOCH;
    const reached: Reached = { base: nextOffset, offsetDelta: 0, isFramed: false, bytes: 0 };
    while (this.#at + HEADER_BYTES <= batches.length && reached.bytes < maxBytes) {
      const at = this.#at;
      const end = batchEnd(batches, at);
      reached.base = nextOffset;
      reached.offsetDelta = 0;
      reached.isFramed = false;
      let lastOffset: bigint | null = null;
      try {
        if (batches[at + MAGIC_AT] !== MAGIC) throw oldFormat(batches[at + MAGIC_AT]!);
        const header = readHeader(batches, at);
        const { baseOffset, attributes, producerId } = header;
        if (baseOffset > reached.base && baseOffset < lastStableOffset) reached.base = baseOffset;
        if (end > batches.length) break;
        this.#check(at, end);
        ({ lastOffset } = header);
        leaderEpoch = batches.readInt32BE(at + 12);
        const isAborted = aborted.covers(producerId, lastOffset) && (attributes & IS_TRANSACTIONAL) !== 0;
        if ((attributes & IS_CONTROL) !== 0) {
          if (controlType(batches, at) === ABORT_MARKER) aborted.ended(producerId);
        } else if (!isAborted && lastOffset >= fromOffset) {
          const packed = batches.subarray(at + HEADER_BYTES, end);
          const codec = attributes & CODEC_MASK;
          const bytes = this.#unpacked ?? (codec === 0 ? packed : await decompress(codec, packed));
          this.#unpacked = null;
          if (reached.bytes > 0 && reached.bytes + bytes.length > maxBytes) {
            this.#unpacked = bytes;
            break;
          }
          reached.base = baseOffset;
          reached.bytes += bytes.length;
          readRecords({ bytes, baseOffset, attributes }, batches, at, fromOffset, reached, records);
        }
        if (lastOffset >= nextOffset) nextOffset = lastOffset + 1n;
        addEpoch(epochs, { leaderEpoch, endOffset: nextOffset });
      } catch (error) {
        const found = reached.base + BigInt(reached.offsetDelta);
        const first = found > fromOffset ? found : fromOffset;
        const last = reached.isFramed ? first : (lastOffset ?? lastOfDamaged(batches, at, end, first, lastStableOffset));
        if (last < first) {
          // All that it has is behind us.
          if (lastOffset !== null && lastOffset >= nextOffset) nextOffset = lastOffset + 1n;
          this.#at = end;
          continue;
        }
        if (first === fromOffset) throw new UnreadableOffsets(first, last, Math.max(0, end - at), error);
        addEpoch(epochs, { leaderEpoch, endOffset: first });
        return { records, nextOffset: first, epochs };
      }
      this.#at = end;
    }
    if (nextOffset === fromOffset && batches.length > 0 && records.length === 0 && !this.#isPassed) {
      const at = this.#at;
      const last = lastOfDamaged(batches, at, batches.length, fromOffset, lastStableOffset);
      const byteLength = at + HEADER_BYTES > batches.length ? 0 : Math.min(Math.max(0, batchEnd(batches, at) - at), LARGEST_BATCH_BYTES);
      throw new UnreadableOffsets(fromOffset, last, byteLength, corruptBatch("the server sent a batch that ends before it is complete"));
    }
    return { records, nextOffset, epochs };
  }

  /** All of the answer was looked at, to its end. */
  get #isPassed(): boolean {
    return this.#at === this.#fetched.batches.length;
  }

  /** Once a batch, however many portions it takes. @throws `corrupt` */
  #check(at: number, end: number): void {
    if (this.#checkedAt === at) return;
    if (end < at + HEADER_BYTES) throw corruptBatch("a batch is shorter than its header");
    const { batches } = this.#fetched;
    if (batches.readUInt32BE(at + CHECKSUM_AT) !== crc32c(batches, at + CHECKED_AT, end)) {
      throw corruptBatch("the checksum of a batch does not match its bytes");
    }
    this.#checkedAt = at;
  }
}

/**
 * The last offset of a batch in which any byte may be wrong. Where the next batch begins is the best witness; without one the
 * batch is believed only if its two numbers agree. Else no more is given up than the offset that was asked for.
 * @param first of the batch, at or behind what was asked for. @returns less than that where all of the batch lies before it
 */
function lastOfDamaged(batches: Buffer, at: number, end: number, first: bigint, endOffset: bigint): bigint {
  if (at + HEADER_BYTES > batches.length) return first;
  const { baseOffset, lastOffset } = readHeader(batches, at);
  const isOld = batches[at + MAGIC_AT]! < MAGIC;
  // In the old formats that is the offset of the last message in it.
  const told = isOld ? baseOffset : lastOffset;
  const nextOffset = end >= at + HEADER_BYTES || isOld ? followingOffset(batches, end) : null;
  if (nextOffset !== null && nextOffset > baseOffset && nextOffset <= endOffset) {
    return told >= first && told < nextOffset ? told : nextOffset - 1n;
  }
  const isConsistent = isOld || batches.readInt32BE(at + 57) === batches.readInt32BE(at + 23) + 1;
  return isConsistent && told >= first && told < endOffset ? told : first;
}

/** Of the batch that begins there, where so much of it is there that it looks like one. */
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

function readRecords(batch: BatchFacts, header: Buffer, headerAt: number, fromOffset: bigint, reached: Reached, into: KafkaRecord[]): void {
  const { bytes, baseOffset, attributes } = batch;
  const firstTimestamp = header.readBigInt64BE(headerAt + 27);
  const firstTimestampMs = Number(firstTimestamp);
  const hasExactSums = Math.abs(firstTimestampMs) < LARGEST_EXACT;
  const appendTime = (attributes & IS_LOG_APPEND_TIME) === 0 ? null : toStoredTime(header.readBigInt64BE(headerAt + 35));
  const count = header.readInt32BE(headerAt + 57);
  // Compaction keeps the differences as they were: they need not be consecutive.
  const firstWanted = fromOffset > baseOffset ? Number(fromOffset - baseOffset) : 0;
  const cursor = { at: 0 };
  for (let index = 0; index < count; index += 1) {
    const length = readVarint(bytes, cursor);
    const end = cursor.at + length;
    if (length < 0 || end > bytes.length) throw corruptBatch("a record leaves its batch");
    // Its attributes, none of which are defined.
    cursor.at += 1;
    const timestampAt = cursor.at;
    const timestampDelta = readVarlong(bytes, cursor);
    const offsetDelta = readVarint(bytes, cursor);
    if (offsetDelta < firstWanted) {
      cursor.at = end;
      continue;
    }
    reached.offsetDelta = offsetDelta;
    reached.isFramed = true;
    const keyLength = readVarint(bytes, cursor);
    const keyAt = cursor.at;
    if (keyLength > 0) cursor.at += keyLength;
    const valueLength = readVarint(bytes, cursor);
    const valueAt = cursor.at;
    if (valueLength > 0) cursor.at += valueLength;
    const headerCount = readVarint(bytes, cursor);
    const headersAt = cursor.at;
    const headerBytes = headerCount === 0 ? 0 : skipHeaders(bytes, cursor, headerCount, end);
    if (cursor.at > end || headerCount < 0) throw corruptBatch("the parts of a record leave it");
    const places = { keyAt, keyLength, valueAt, valueLength, headersAt, headerCount, headerBytes };
    const isExact = hasExactSums && Math.abs(timestampDelta) < LARGEST_EXACT;
    const producedTime = isExact ? firstTimestampMs + timestampDelta : exactSum(firstTimestamp, bytes, timestampAt);
    into.push(new KafkaRecord(batch, offsetDelta, appendTime ?? producedTime, places));
    reached.offsetDelta = offsetDelta + 1;
    reached.isFramed = false;
    cursor.at = end;
  }
}

/** Goes through the headers so that nothing can be wrong with them later. @returns the bytes of their names and values */
function skipHeaders(bytes: Buffer, cursor: { at: number }, count: number, end: number): number {
  let total = 0;
  for (let index = 0; index < count && cursor.at <= end; index += 1) {
    const nameLength = readVarint(bytes, cursor);
    cursor.at += Math.max(nameLength, 0);
    if (nameLength < 0) throw corruptBatch("a header has no name");
    // -1: the value is null, which is not the same as empty.
    const valueLength = Math.max(readVarint(bytes, cursor), 0);
    cursor.at += valueLength;
    total += nameLength + valueLength;
  }
  return total;
}

/** Of a time and the difference that is written there, where a number would not hold them: as of clients that write nanoseconds. */
function exactSum(time: bigint, bytes: Buffer, at: number): StoredTime {
  let zigzag = 0n;
  for (let index = at, shift = 0n; shift < 70n; index += 1, shift += 7n) {
    const byte = bytes[index] ?? 0;
    zigzag |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return toStoredTime(BigInt.asIntN(64, time + ((zigzag >> 1n) ^ -(zigzag & 1n))));
}

/** Exact up to 2^52, which is enough for differences of times in milliseconds. */
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

/** Of a control batch: its record's key is a version and a type. It is never compressed. */
function controlType(batches: Buffer, headerAt: number): number {
  const cursor = { at: headerAt + HEADER_BYTES };
  readVarint(batches, cursor);
  cursor.at += 1;
  readVarlong(batches, cursor);
  readVarint(batches, cursor);
  return readVarint(batches, cursor) >= 4 ? batches.readInt16BE(cursor.at + 2) : -1;
}

/** Which producers' records are of an aborted transaction, at the place that is being read. */
class AbortedTransactions {
  readonly #coming: { readonly producerId: bigint; readonly firstOffset: bigint }[];
  readonly #open = new Set<bigint>();

  constructor(transactions: FetchedPartition["abortedTransactions"]) {
    this.#coming = transactions.toSorted((a, b) => (a.firstOffset < b.firstOffset ? 1 : a.firstOffset > b.firstOffset ? -1 : 0));
  }

  covers(producerId: bigint, lastOffset: bigint): boolean {
    for (let next = this.#coming.at(-1); next !== undefined && next.firstOffset <= lastOffset; next = this.#coming.at(-1)) {
      this.#open.add(next.producerId);
      this.#coming.pop();
    }
    return this.#open.has(producerId);
  }

  ended(producerId: bigint): void {
    this.#open.delete(producerId);
  }
}
