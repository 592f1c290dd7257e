import { crc32 } from "node:zlib";
import type { OutgoingRecord } from "../driver/record.ts";
import { StreamError } from "../errors.ts";
import type { StoredTime } from "../stored-time.ts";
import { textToBytes } from "../text-bytes.ts";
import {
  CHECKSUM_AT,
  CONTENT_AT,
  HAS_HEADERS,
  HAS_ID,
  HAS_TIMESTAMP,
  MAGIC,
  MAX_FRAME_BYTES,
  SAME_KEY,
  TIMESTAMP_BYTES,
  VERSION,
  VERSION_AT,
} from "./frame-format.ts";
import { belongsTo, equalBytes } from "./partition-key.ts";

/** What a frame holds of one message. An `OutgoingRecord` is one. */
export interface FrameMessage extends Omit<OutgoingRecord, "toPartition"> {
  /** Names the message for whoever removes repeats; any bytes. */
  readonly id?: Uint8Array | null | undefined;
}

/** What a frame may hold at most. */
export interface FrameBounds {
  /** Of the frame; where the service counts the partition key, the caller subtracts it. */
  readonly maxBytes: number;
  readonly maxMessages: number;
}

/** A loop copies shorter byte strings faster than a call. */
const COPIED_BY_HAND = 24;
const TWO_TO_32 = 2 ** 32;
const MAX_TIME = 2n ** 63n;

/**
 * Packs messages of one partition key into one record of the service. The size is known before anything is encoded. It keeps references to
 * what was added until `finish`, which copies the bytes.
 */
export class FrameWriter {
  readonly #partitionKey: Uint8Array | null;
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  #messages: FrameMessage[] = [];
  #messageBytes = 0;

  /** @param partitionKey under which the service will store the record; `null`: under none */
  constructor(partitionKey: Uint8Array | null, { maxBytes, maxMessages }: FrameBounds) {
    this.#partitionKey = partitionKey;
    this.#maxBytes = Math.min(maxBytes, MAX_FRAME_BYTES);
    this.#maxMessages = maxMessages;
  }

  get count(): number {
    return this.#messages.length;
  }

  /** Exactly what `finish` would return. */
  get bytes(): number {
    return frameBytes(this.#messages.length, this.#messageBytes);
  }

  /**
   * @returns whether the frame holds the message now; `false`: it would pass a bound, and the frame is as it was
   * @throws `internal` for a key that does not belong to the partition key: readers would take the frame for a foreign record.
   *   `invalid-argument` for a header name that stands for no bytes, and for a time of more than 64 bits
   */
  add(message: FrameMessage): boolean {
    const count = this.#messages.length + 1;
    const messageBytes = this.#messageBytes + sizeOf(message, this.#keyFlag(message.key));
    if (count > this.#maxMessages || frameBytes(count, messageBytes) > this.#maxBytes) return false;
    this.#messages.push(message);
    this.#messageBytes = messageBytes;
    return true;
  }

  /** The frame. The writer is empty again. @throws `internal` without a message */
  finish(): Buffer {
    const messages = this.#messages;
    if (messages.length === 0) throw new StreamError("internal", "a frame holds at least one message; none was added");
    const frame = Buffer.allocUnsafe(this.bytes);
    this.#messages = [];
    this.#messageBytes = 0;
    frame.writeUInt32BE(MAGIC, 0);
    frame[VERSION_AT] = VERSION;
    let at = writeNumber(frame, CONTENT_AT, messages.length);
    for (let index = 0; index < messages.length; index += 1) {
      const message = messages[index]!;
      at = writeMessage(frame, at, message, index > 0 && isSameKey(messages[index - 1]!.key, message.key) ? SAME_KEY : 0);
    }
    frame.writeUInt32BE(crc32(frame.subarray(VERSION_AT)), CHECKSUM_AT);
    return frame;
  }

  #keyFlag(key: Uint8Array | null): number {
    const last = this.#messages.at(-1);
    if (last !== undefined && isSameKey(last.key, key)) return SAME_KEY;
    if (!belongsTo(key, this.#partitionKey)) {
      throw new StreamError("internal", "the adapter packs a message into a record with the partition key of another key");
    }
    return 0;
  }
}

function isSameKey(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b);
}

function frameBytes(count: number, messageBytes: number): number {
  return CONTENT_AT + numberBytes(count) + messageBytes;
}

function sizeOf({ key, id, timestampMs, headers, value }: FrameMessage, keyFlag: number): number {
  let bytes = 1 + optionalBytes(value);
  if (keyFlag === 0) bytes += optionalBytes(key);
  if (id !== null && id !== undefined) bytes += numberBytes(id.length) + id.length;
  if (timestampMs !== null) {
    requireStorable(timestampMs);
    bytes += TIMESTAMP_BYTES;
  }
  if (headers.length > 0) {
    bytes += numberBytes(headers.length);
    for (let index = 0; index < headers.length; index += 1) {
      const [name, content] = headers[index]!;
      const nameBytes = nameByteLength(name);
      bytes += numberBytes(nameBytes) + nameBytes + optionalBytes(content);
    }
  }
  return bytes;
}

function writeMessage(frame: Buffer, begin: number, message: FrameMessage, keyFlag: number): number {
  const { key, id = null, timestampMs, headers, value } = message;
  let at = begin;
  frame[at++] =
    keyFlag | (id === null ? 0 : HAS_ID) | (timestampMs === null ? 0 : HAS_TIMESTAMP) | (headers.length === 0 ? 0 : HAS_HEADERS);
  if (keyFlag === 0) at = writeOptional(frame, at, key);
  if (id !== null) at = writeBytes(frame, writeNumber(frame, at, id.length), id);
  if (timestampMs !== null) at = writeTime(frame, at, timestampMs);
  if (headers.length > 0) {
    at = writeNumber(frame, at, headers.length);
    for (let index = 0; index < headers.length; index += 1) {
      const [name, content] = headers[index]!;
      at = writeOptional(frame, writeName(frame, at, name), content);
    }
  }
  return writeOptional(frame, at, value);
}

function nameByteLength(name: string): number {
  return name.isWellFormed() ? Buffer.byteLength(name, "utf8") : textToBytes(name, "a header name").length;
}

function writeName(frame: Buffer, begin: number, name: string): number {
  if (!name.isWellFormed()) {
    const bytes = textToBytes(name, "a header name");
    return writeBytes(frame, writeNumber(frame, begin, bytes.length), bytes);
  }
  const length = Buffer.byteLength(name, "utf8");
  const at = writeNumber(frame, begin, length);
  return at + frame.write(name, at, length, "utf8");
}

/** The bytes behind their length and one; 0: `null`, which differs from empty. */
function writeOptional(frame: Buffer, at: number, bytes: Uint8Array | null): number {
  return bytes === null ? writeNumber(frame, at, 0) : writeBytes(frame, writeNumber(frame, at, bytes.length + 1), bytes);
}

function optionalBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : numberBytes(bytes.length + 1) + bytes.length;
}

function writeBytes(frame: Buffer, at: number, bytes: Uint8Array): number {
  const { length } = bytes;
  if (length < COPIED_BY_HAND) for (let index = 0; index < length; index += 1) frame[at + index] = bytes[index]!;
  else frame.set(bytes, at);
  return at + length;
}

/** Seven bits a byte, the lowest first; the highest bit says that another byte follows. */
function writeNumber(frame: Buffer, begin: number, value: number): number {
  let at = begin;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) frame[at++] = (rest & 0x7f) | 0x80;
  frame[at++] = rest;
  return at;
}

function numberBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value <= MAX_FRAME_BYTES + 1 ? 4 : Infinity;
}

function requireStorable(time: StoredTime): void {
  if (typeof time === "number" ? Number.isFinite(time) && Math.abs(time) < 2 ** 63 : time >= -MAX_TIME && time < MAX_TIME) return;
  throw new StreamError("invalid-argument", "a time is a whole number of milliseconds with 64 bits; received one that has more");
}

/** Two halves cost less than a bigint. */
function writeTime(frame: Buffer, at: number, time: StoredTime): number {
  if (typeof time === "bigint") return frame.writeBigInt64BE(time, at);
  const whole = Math.trunc(time);
  const high = Math.floor(whole / TWO_TO_32);
  frame.writeInt32BE(high, at);
  return frame.writeUInt32BE(whole - high * TWO_TO_32, at + 4);
}
