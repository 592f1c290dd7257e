import { crc32c } from "./crc32c.ts";

/** Layout: https://kafka.apache.org/documentation/#recordbatch */
export const BATCH_HEADER_BYTES = 61;
/** Base offset and length, which the length does not count. */
export const LOG_OVERHEAD_BYTES = 12;
export const MAGIC = 2;

const LENGTH = 8;
const LEADER_EPOCH = 12;
const MAGIC_BYTE = 16;
const CHECKSUM = 17;
/** The checksum covers everything from here on. */
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const BASE_TIMESTAMP = 27;
const MAX_TIMESTAMP = 35;
const PRODUCER_ID = 43;
const PRODUCER_EPOCH = 51;
const BASE_SEQUENCE = 53;
const COUNT = 57;

export const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** Reads and writes the fields of a batch in a buffer, without copying it. */
export class RecordBatch {
  readonly buffer: Buffer;
  readonly at: number;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  get baseOffset(): bigint {
    return this.buffer.readBigInt64BE(this.at);
  }

  set baseOffset(offset: bigint) {
    this.buffer.writeBigInt64BE(offset, this.at);
  }

  /** Length of the whole batch, including its header. */
  get byteLength(): number {
    return LOG_OVERHEAD_BYTES + this.buffer.readInt32BE(this.at + LENGTH);
  }

  get leaderEpoch(): number {
    return this.buffer.readInt32BE(this.at + LEADER_EPOCH);
  }

  /** The checksum does not cover it, nor the base offset, so that a broker can set both. */
  set leaderEpoch(epoch: number) {
    this.buffer.writeInt32BE(epoch, this.at + LEADER_EPOCH);
  }

  get magic(): number {
    return this.buffer.readInt8(this.at + MAGIC_BYTE);
  }

  get attributes(): number {
    return this.buffer.readInt16BE(this.at + ATTRIBUTES);
  }

  /** The numbers 5 to 7 are not used by Kafka. */
  get codec(): number {
    return this.attributes & CODEC_MASK;
  }

  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL) !== 0;
  }

  get isControl(): boolean {
    return (this.attributes & CONTROL) !== 0;
  }

  get hasAppendTime(): boolean {
    return (this.attributes & LOG_APPEND_TIME) !== 0;
  }

  get lastOffsetDelta(): number {
    return this.buffer.readInt32BE(this.at + LAST_OFFSET_DELTA);
  }

  get lastOffset(): bigint {
    return this.baseOffset + BigInt(this.lastOffsetDelta);
  }

  get baseTimestamp(): bigint {
    return this.buffer.readBigInt64BE(this.at + BASE_TIMESTAMP);
  }

  get maxTimestamp(): bigint {
    return this.buffer.readBigInt64BE(this.at + MAX_TIMESTAMP);
  }

  /** Exact up to 2^53. */
  get baseTimestampMs(): number {
    return Number(this.baseTimestamp);
  }

  /** Exact up to 2^53. */
  get maxTimestampMs(): number {
    return Number(this.maxTimestamp);
  }

  get producerId(): bigint {
    return this.buffer.readBigInt64BE(this.at + PRODUCER_ID);
  }

  get producerEpoch(): number {
    return this.buffer.readInt16BE(this.at + PRODUCER_EPOCH);
  }

  /** -1: the producer is not idempotent. */
  get baseSequence(): number {
    return this.buffer.readInt32BE(this.at + BASE_SEQUENCE);
  }

  get count(): number {
    return this.buffer.readInt32BE(this.at + COUNT);
  }

  /** The records, compressed or not. */
  get payload(): Buffer {
    return this.buffer.subarray(this.at + BATCH_HEADER_BYTES, this.at + this.byteLength);
  }

  get isIntact(): boolean {
    return this.buffer.readUInt32BE(this.at + CHECKSUM) === this.#checksum();
  }

  /** @param isAppendTime whether the time replaces those of all records; else it is the largest of theirs */
  setTime(maxTimestampMs: number | bigint, isAppendTime: boolean): void {
    const { attributes } = this;
    this.buffer.writeInt16BE(isAppendTime ? attributes | LOG_APPEND_TIME : attributes & ~LOG_APPEND_TIME, this.at + ATTRIBUTES);
    this.buffer.writeBigInt64BE(BigInt(maxTimestampMs), this.at + MAX_TIMESTAMP);
    this.buffer.writeUInt32BE(this.#checksum(), this.at + CHECKSUM);
  }

  #checksum(): number {
    return crc32c(this.buffer, this.at + ATTRIBUTES, this.at + this.byteLength);
  }
}

export interface BatchHeader {
  readonly baseOffset: bigint;
  readonly leaderEpoch: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
}

export function headerOf(batch: RecordBatch): BatchHeader {
  const { baseOffset, leaderEpoch, attributes, lastOffsetDelta, baseTimestamp, maxTimestamp } = batch;
  const { producerId, producerEpoch, baseSequence, count } = batch;
  return {
    baseOffset,
    leaderEpoch,
    attributes,
    lastOffsetDelta,
    baseTimestamp,
    maxTimestamp,
    producerId,
    producerEpoch,
    baseSequence,
    count,
  };
}

/** Makes a new batch, with its checksum. */
export function writeBatch(header: BatchHeader, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(BATCH_HEADER_BYTES + payload.byteLength);
  bytes.writeBigInt64BE(header.baseOffset, 0);
  bytes.writeInt32BE(bytes.length - LOG_OVERHEAD_BYTES, LENGTH);
  bytes.writeInt32BE(header.leaderEpoch, LEADER_EPOCH);
  bytes.writeInt8(MAGIC, MAGIC_BYTE);
  bytes.writeInt16BE(header.attributes, ATTRIBUTES);
  bytes.writeInt32BE(header.lastOffsetDelta, LAST_OFFSET_DELTA);
  bytes.writeBigInt64BE(header.baseTimestamp, BASE_TIMESTAMP);
  bytes.writeBigInt64BE(header.maxTimestamp, MAX_TIMESTAMP);
  bytes.writeBigInt64BE(header.producerId, PRODUCER_ID);
  bytes.writeInt16BE(header.producerEpoch, PRODUCER_EPOCH);
  bytes.writeInt32BE(header.baseSequence, BASE_SEQUENCE);
  bytes.writeInt32BE(header.count, COUNT);
  bytes.set(payload, BATCH_HEADER_BYTES);
  bytes.writeUInt32BE(crc32c(bytes, ATTRIBUTES, bytes.length), CHECKSUM);
  return bytes;
}

export const CONTROL_ATTRIBUTES = TRANSACTIONAL | CONTROL;
