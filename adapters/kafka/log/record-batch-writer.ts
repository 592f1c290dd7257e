import { type OutgoingRecord, type StoredTime, textToBytes } from "../../../src/driver/index.ts";
import { type Compression, codecNumber, compress } from "./compression.ts";
import { crc32c } from "./crc32c.ts";

/** Layout: https://kafka.apache.org/documentation/#recordbatch */
const HEADER_BYTES = 61;
const CRC_AT = 17;
const CHECKED_FROM = 21;
const MAGIC = 2;
/** A loop copies shorter byte strings faster than a call. */
const COPIED_BY_HAND = 24;
const LARGEST_DOUBLED = 2 ** 51;

/** The producer and sequence of a batch, for the server's check against duplicates. */
export interface BatchSequence {
  readonly producerId: bigint;
  readonly epoch: number;
  readonly firstSequence: number;
}

/** Upper bounds: the bytes of a record without its key, value and headers, and of a header without its name and value. */
export const RECORD_OVERHEAD_BYTES = 36;
export const HEADER_OVERHEAD_BYTES = 10;
export const BATCH_OVERHEAD_BYTES = HEADER_BYTES;

/**
 * Writes one batch into one buffer of the exact size. Records without a time get `nowMs`. The
 * application's bytes are copied.
 */
export function writeBatch(
  records: readonly OutgoingRecord[],
  nowMs: number,
  compression: Compression,
  sequence: BatchSequence | null,
): Buffer | Promise<Buffer> {
  const firstTimestampMs = records[0]!.timestampMs ?? nowMs;
  const sizes = new Int32Array(records.length);
  let bytes = 0;
  let maxTimestampMs = firstTimestampMs;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index]!;
    const timestampMs = record.timestampMs ?? nowMs;
    if (timestampMs > maxTimestampMs) maxTimestampMs = timestampMs;
    const size = bodyBytes(record, difference(timestampMs, firstTimestampMs), index);
    sizes[index] = size;
    bytes += varintBytes(size) + size;
  }
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + bytes);
  let at = HEADER_BYTES;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index]!;
    at = writeVarint(buffer, at, sizes[index]!);
    at = writeRecord(buffer, at, record, difference(record.timestampMs ?? nowMs, firstTimestampMs), index);
  }
  const times = { firstTimestampMs, maxTimestampMs };
  if (compression === "none") return sealed(buffer, compression, records.length, times, sequence);
  return compress(compression, buffer.subarray(HEADER_BYTES)).then((packed) => {
    const whole = Buffer.allocUnsafe(HEADER_BYTES + packed.length);
    packed.copy(whole, HEADER_BYTES);
    return sealed(whole, compression, records.length, times, sequence);
  });
}

function sealed(
  buffer: Buffer,
  compression: Compression,
  count: number,
  times: { readonly firstTimestampMs: StoredTime; readonly maxTimestampMs: StoredTime },
  sequence: BatchSequence | null,
): Buffer {
  // The server fills in the offset and the leader's epoch.
  buffer.writeBigInt64BE(0n, 0);
  buffer.writeInt32BE(buffer.length - 12, 8);
  buffer.writeInt32BE(-1, 12);
  buffer[16] = MAGIC;
  buffer.writeInt16BE(codecNumber(compression), 21);
  buffer.writeInt32BE(count - 1, 23);
  buffer.writeBigInt64BE(BigInt(times.firstTimestampMs), 27);
  buffer.writeBigInt64BE(BigInt(times.maxTimestampMs), 35);
  buffer.writeBigInt64BE(sequence?.producerId ?? -1n, 43);
  buffer.writeInt16BE(sequence?.epoch ?? -1, 51);
  buffer.writeInt32BE(sequence?.firstSequence ?? -1, 53);
  buffer.writeInt32BE(count, 57);
  buffer.writeUInt32BE(crc32c(buffer, CHECKED_FROM), CRC_AT);
  return buffer;
}

function bodyBytes(record: OutgoingRecord, timestampDelta: StoredTime, offsetDelta: number): number {
  const { key, value, headers } = record;
  let bytes = 1 + varintBytes(timestampDelta) + varintBytes(offsetDelta);
  bytes += key === null ? 1 : varintBytes(key.length) + key.length;
  bytes += value === null ? 1 : varintBytes(value.length) + value.length;
  bytes += varintBytes(headers.length);
  for (let index = 0; index < headers.length; index += 1) {
    const [name, content] = headers[index]!;
    const nameBytes = nameByteLength(name);
    bytes += varintBytes(nameBytes) + nameBytes + (content === null ? 1 : varintBytes(content.length) + content.length);
  }
  return bytes;
}

function writeRecord(buffer: Buffer, begin: number, record: OutgoingRecord, timestampDelta: StoredTime, offsetDelta: number): number {
  const { key, value, headers } = record;
  let at = begin;
  // No attributes are defined for single records.
  buffer[at++] = 0;
  at = writeVarint(buffer, at, timestampDelta);
  at = writeVarint(buffer, at, offsetDelta);
  at = writeBytes(buffer, at, key);
  at = writeBytes(buffer, at, value);
  at = writeVarint(buffer, at, headers.length);
  for (let index = 0; index < headers.length; index += 1) {
    const [name, content] = headers[index]!;
    const nameBytes = nameByteLength(name);
    at = writeVarint(buffer, at, nameBytes);
    if (name.isWellFormed()) buffer.write(name, at, nameBytes, "utf8");
    else buffer.set(textToBytes(name, "a header name"), at);
    at = writeBytes(buffer, at + nameBytes, content);
  }
  return at;
}

function nameByteLength(name: string): number {
  return name.isWellFormed() ? Buffer.byteLength(name, "utf8") : textToBytes(name, "a header name").length;
}

/** The bytes after their length. The length is -1 for `null`, which differs from empty. */
function writeBytes(buffer: Buffer, begin: number, bytes: Uint8Array | null): number {
  if (bytes === null) return writeVarint(buffer, begin, -1);
  const length = bytes.length;
  const at = writeVarint(buffer, begin, length);
  if (length < COPIED_BY_HAND) for (let index = 0; index < length; index += 1) buffer[at + index] = bytes[index]!;
  else buffer.set(bytes, at);
  return at + length;
}

/** A number if it can be doubled exactly, else a bigint. 64 bits overflow as in Kafka's own clients. */
function difference(time: StoredTime, first: StoredTime): StoredTime {
  if (typeof time === "number" && typeof first === "number") {
    const delta = time - first;
    if (Math.abs(delta) < LARGEST_DOUBLED) return delta;
  }
  return BigInt.asIntN(64, BigInt(time) - BigInt(first));
}

/** A zigzag number. A difference of times can have more than 32 bits. */
function writeVarint(buffer: Buffer, begin: number, value: StoredTime): number {
  let at = begin;
  if (typeof value === "bigint") {
    let rest = bigZigzag(value);
    for (; rest >= 0x80n; rest >>= 7n) buffer[at++] = Number(rest & 0x7fn) | 0x80;
    buffer[at++] = Number(rest);
    return at;
  }
  let rest = zigzag(value);
  while (rest >= 0x80) {
    buffer[at++] = (rest % 0x80) | 0x80;
    rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 0x80);
  }
  buffer[at++] = rest;
  return at;
}

function varintBytes(value: StoredTime): number {
  let bytes = 1;
  if (typeof value === "bigint") {
    for (let rest = bigZigzag(value); rest >= 0x80n; rest >>= 7n) bytes += 1;
    return bytes;
  }
  let rest = zigzag(value);
  while (rest >= 0x80) {
    bytes += 1;
    rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 0x80);
  }
  return bytes;
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function bigZigzag(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}
