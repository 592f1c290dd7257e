import { type HeaderList, type RecordParts, type StoredRecord, type StoredTime, bytesToText } from "../../src/driver/index.ts";
import { kafkaError } from "./errors.ts";

const NO_HEADERS: HeaderList = Object.freeze([]);
const POSITION = /^(?:0|[1-9]\d{0,18})$/;
const MAX_OFFSET = 2n ** 63n - 1n;
const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

/** The common data of the records of one batch. */
export interface BatchFacts {
  /** The records, uncompressed. */
  readonly bytes: Buffer;
  readonly baseOffset: bigint;
  /** The attributes of the batch, as stored. */
  readonly attributes: number;
  /** A view of `bytes` for those who are told where parts lie; `null`: nobody has asked yet. */
  memory: DataView | null;
}

/** The places of the parts of a record in its batch. A length of -1 means null. */
export interface RecordPlaces {
  readonly keyAt: number;
  readonly keyLength: number;
  readonly valueAt: number;
  readonly valueLength: number;
  readonly headersAt: number;
  readonly headerCount: number;
  readonly headerBytes: number;
}

/** A delivered record. Its parts are views into its batch, made when they are read. */
export class KafkaRecord implements StoredRecord {
  readonly timestampMs: StoredTime;
  readonly deliveryAttempt = null;
  readonly #batch: BatchFacts;
  readonly #offsetDelta: number;
  readonly #keyAt: number;
  readonly #keyLength: number;
  readonly #valueAt: number;
  readonly #valueLength: number;
  readonly #headersAt: number;
  readonly #headerCount: number;
  readonly #headerBytes: number;
  #headers: HeaderList | undefined;

  constructor(batch: BatchFacts, offsetDelta: number, timestampMs: StoredTime, places: RecordPlaces) {
    this.#batch = batch;
    this.#offsetDelta = offsetDelta;
    this.timestampMs = timestampMs;
    this.#keyAt = places.keyAt;
    this.#keyLength = places.keyLength;
    this.#valueAt = places.valueAt;
    this.#valueLength = places.valueLength;
    this.#headersAt = places.headersAt;
    this.#headerCount = places.headerCount;
    this.#headerBytes = places.headerBytes;
  }

  get position(): string {
    return positionAt(this.#batch.baseOffset, this.#offsetDelta);
  }

  get key(): Uint8Array | null {
    return this.#keyLength < 0 ? null : view(this.#batch.bytes, this.#keyAt, this.#keyLength);
  }

  get value(): Uint8Array | null {
    return this.#valueLength < 0 ? null : view(this.#batch.bytes, this.#valueAt, this.#valueLength);
  }

  get headers(): HeaderList {
    if (this.#headerCount === 0) return NO_HEADERS;
    return (this.#headers ??= readHeaders(this.#batch.bytes, this.#headersAt, this.#headerCount));
  }

  readParts(parts: RecordParts): void {
    const batch = this.#batch;
    const { bytes } = batch;
    const memory = (batch.memory ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
    parts.key(memory, this.#keyAt, this.#keyLength);
    parts.value(memory, this.#valueAt, this.#valueLength);
    const cursor = { at: this.#headersAt };
    for (let index = 0; index < this.#headerCount; index += 1) {
      const nameLength = readVarint(bytes, cursor);
      const nameAt = cursor.at;
      cursor.at += nameLength;
      const valueLength = readVarint(bytes, cursor);
      parts.header(memory, nameAt, nameLength, cursor.at, valueLength);
      cursor.at += Math.max(valueLength, 0);
    }
  }

  get bytes(): number {
    return (this.#keyLength > 0 ? this.#keyLength : 0) + (this.#valueLength > 0 ? this.#valueLength : 0) + this.#headerBytes;
  }

  /** The form of kafkajs's `KafkaMessage`. */
  get native(): object {
    const { bytes, attributes } = this.#batch;
    const asBuffer = (part: Uint8Array | null): Buffer | null =>
      part === null ? null : Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    const headers: Record<string, NativeHeader | NativeHeader[]> = {};
    for (const [name, value] of this.#headerCount === 0 ? NO_HEADERS : readHeaders(bytes, this.#headersAt, this.#headerCount)) {
      const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
      const now = asBuffer(value);
      const all = before === undefined ? now : Array.isArray(before) ? [...before, now] : [before, now];
      Object.defineProperty(headers, name, { value: all, enumerable: true, configurable: true, writable: true });
    }
    return {
      key: asBuffer(this.key),
      value: asBuffer(this.value),
      timestamp: String(this.timestampMs),
      attributes,
      offset: this.position,
      headers,
      size: this.bytes,
    };
  }
}

/** `null`: a header without a value. */
type NativeHeader = Buffer | null;

function view(bytes: Buffer, at: number, length: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
}

/** The headers were checked when the batch was read, so they are valid. */
function readHeaders(bytes: Buffer, begin: number, count: number): HeaderList {
  const headers: (readonly [string, Uint8Array | null])[] = [];
  const cursor = { at: begin };
  for (let index = 0; index < count; index += 1) {
    const nameLength = readVarint(bytes, cursor);
    const name = nameAt(bytes, cursor.at, cursor.at + nameLength);
    cursor.at += nameLength;
    const valueLength = readVarint(bytes, cursor);
    headers.push([name, valueLength < 0 ? null : view(bytes, cursor.at, valueLength)]);
    cursor.at += Math.max(valueLength, 0);
  }
  return headers;
}

/** Like `bytesToText`, but makes a view only for bytes that may not be UTF-8, because a view costs more than the text. */
function nameAt(bytes: Buffer, begin: number, end: number): string {
  const name = bytes.toString("utf8", begin, end);
  return name.includes("\ufffd") ? bytesToText(bytes.subarray(begin, end)) : name;
}

/** A zigzag number of up to 32 bits. */
export function readVarint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  let shift = 0;
  let byte: number;
  do {
    byte = bytes[cursor.at++] ?? 0;
    value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80 && shift < 35);
  return (value >>> 1) ^ -(value & 1);
}

/** The text of an offset. */
export function toPosition(offset: bigint): string {
  return offset.toString();
}

/** The text of the offset `base + delta`. Below 2^53, numbers are exact, and ten times as fast as bigints. */
export function positionAt(base: bigint, delta: number): string {
  const sum = Number(base) + delta;
  return Number.isSafeInteger(sum) ? String(sum) : (base + BigInt(delta)).toString();
}

/** The difference of a position and an offset. */
export function distanceOf(position: string, base: bigint): number {
  requirePosition(position);
  return position.length < 16 && base <= MAX_EXACT ? Number(position) - Number(base) : Number(BigInt(position) - base);
}

/** @throws `invalid-argument` for a malformed offset */
export function toOffset(position: string): bigint {
  requirePosition(position);
  return BigInt(position);
}

function requirePosition(position: string): void {
  if (typeof position === "string" && POSITION.test(position) && (position.length < 19 || BigInt(position) <= MAX_OFFSET)) return;
  const received = typeof position === "string" ? `a string of ${position.length} characters` : typeof position;
  throw kafkaError("invalid-argument", `a position of Kafka is an offset, a decimal number of up to 63 bits; received ${received}`);
}

/** Compares two positions of one partition. @throws `invalid-argument` for a malformed one */
export function comparePositions(a: string, b: string): number {
  requirePosition(a);
  requirePosition(b);
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
