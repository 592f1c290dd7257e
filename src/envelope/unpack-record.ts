import { crc32 } from "node:zlib";
import type { StoredRecord, UnreadableRange } from "../driver/record.ts";
import { StreamError } from "../errors.ts";
import type { StoredTime } from "../stored-time.ts";
import { FrameCursor } from "./frame-cursor.ts";
import {
  CHECKSUM_AT,
  CONTENT_AT,
  HAS_HEADERS,
  HAS_ID,
  HAS_TIMESTAMP,
  KNOWN_FLAGS,
  LEAST_MESSAGE_BYTES,
  MAGIC,
  SAME_KEY,
  VERSION,
  VERSION_AT,
} from "./frame-format.ts";
import { type MessagePlaces, FramedRecord, type ServiceRecord, viewOf } from "./framed-record.ts";
import { firstPosition } from "./packed-position.ts";
import { belongsTo } from "./partition-key.ts";

/**
 * Why a record is not a frame.
 * - `no-frame`: it does not begin as one.
 * - `checksum`: it begins as one, and the checksum does not match.
 * - `partition-key`: it is a frame for another partition key, such as one that was copied under another key, or read from a stream
 *   that ignores partition keys.
 */
export type ForeignReason = "no-frame" | "checksum" | "partition-key";

const NO_HEADERS: StoredRecord["headers"] = Object.freeze([]);

/** A record that is one message. What a service makes of it at each read is made only then. */
class ForeignRecord implements StoredRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
  readonly headers = NO_HEADERS;
  readonly position: string;
  readonly timestampMs: StoredTime;
  readonly bytes: number;
  readonly deliveryAttempt = null;
  readonly #record: ServiceRecord;

  constructor(record: ServiceRecord) {
    const { partitionKey, data, position, timestampMs } = record;
    this.key = partitionKey;
    this.value = data;
    this.position = position;
    this.timestampMs = timestampMs;
    this.bytes = (partitionKey?.length ?? 0) + data.length;
    this.#record = record;
  }

  get native(): unknown {
    return this.#record.native;
  }
}

/** What a record of the service holds. */
export type UnpackedRecord =
  /** At least one message, in the order in which they were added. */
  | { readonly kind: "frame"; readonly records: readonly FramedRecord[] }
  /** Written by something else: one message with the record's data as its value and its partition key as its key. */
  | { readonly kind: "foreign"; readonly record: StoredRecord; readonly reason: ForeignReason }
  /** A frame that cannot be read: for `unreadable` of the sinks. It covers the whole record. Its `cause` is `unsupported` or `corrupt`. */
  | { readonly kind: "unreadable"; readonly range: UnreadableRange };

/**
 * Unpacks a record that may be a frame. Nothing is copied: keys, values and headers are views into the data, which must stay as it is.
 * Never throws.
 *
 * A record counts as a frame only with its magic and a valid checksum. Then its version must be known and its structure right, else it is
 * unreadable: it is no foreign record, and handing out its bytes as a value would be a wrong message. And the key of each message must belong
 * to the partition key, else the record is foreign.
 */
export function unpackRecord(record: ServiceRecord): UnpackedRecord {
  const { data } = record;
  const frame = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (frame.length < CHECKSUM_AT || frame.readUInt32BE(0) !== MAGIC) return foreign(record, "no-frame");
  if (frame.length < CONTENT_AT || crc32(frame.subarray(VERSION_AT)) !== frame.readUInt32BE(CHECKSUM_AT)) {
    return foreign(record, "checksum");
  }
  try {
    const version = frame[VERSION_AT];
    if (version !== VERSION) {
      throw new StreamError("unsupported", `the record is a frame of version ${version}, and this streamport reads version ${VERSION}`);
    }
    const records = readMessages(record, frame);
    return records === null ? foreign(record, "partition-key") : { kind: "frame", records };
  } catch (cause) {
    return { kind: "unreadable", range: wholeRecord(record, cause) };
  }
}

function foreign(record: ServiceRecord, reason: ForeignReason): UnpackedRecord {
  return { kind: "foreign", record: new ForeignRecord(record), reason };
}

function wholeRecord({ position }: ServiceRecord, cause: unknown): UnreadableRange {
  const why = cause instanceof StreamError ? cause.message : "the frame cannot be read";
  return { first: firstPosition(position), last: position, reason: `the record at ${position} cannot be read: ${why}`, cause };
}

/** @returns `null` if a key does not belong to the partition key. @throws `corrupt` */
function readMessages(record: ServiceRecord, frame: Buffer): readonly FramedRecord[] | null {
  const cursor = new FrameCursor(frame, CONTENT_AT);
  const count = cursor.number();
  if (count === 0 || count * LEAST_MESSAGE_BYTES > cursor.bytesLeft) {
    throw new StreamError("corrupt", `a frame of ${frame.length} bytes says that it holds ${count} messages`);
  }
  const facts = { record, frame, count };
  const places: MessagePlaces = { idAt: 0, idLength: -1, headersAt: 0, headerCount: 0, valueAt: 0, valueLength: -1, bytes: 0 };
  const records: FramedRecord[] = [];
  let key: Uint8Array | null = null;
  let belongs = true;
  for (let index = 0; index < count; index += 1) {
    const flags = cursor.byte();
    if ((flags & ~KNOWN_FLAGS) !== 0 || (index === 0 && (flags & SAME_KEY) !== 0)) {
      throw new StreamError("corrupt", `message ${index} of a frame has the flags ${flags}`);
    }
    if ((flags & SAME_KEY) === 0) {
      key = readKey(cursor, frame);
      belongs &&= belongsTo(key, record.partitionKey);
    }
    const producedAtMs = readParts(cursor, flags, key?.length ?? 0, places);
    records.push(new FramedRecord(facts, index, key, producedAtMs, places));
  }
  if (cursor.bytesLeft > 0) throw new StreamError("corrupt", `${cursor.bytesLeft} bytes follow the last message of a frame`);
  return belongs ? records : null;
}

function readKey(cursor: FrameCursor, frame: Buffer): Uint8Array | null {
  const length = cursor.number() - 1;
  return viewOf(frame, cursor.skip(Math.max(length, 0)), length);
}

/** Fills `places` with what follows the key. @returns when the producer made the message */
function readParts(cursor: FrameCursor, flags: number, keyLength: number, places: MessagePlaces): StoredTime | null {
  places.idLength = (flags & HAS_ID) === 0 ? -1 : cursor.number();
  places.idAt = cursor.skip(Math.max(places.idLength, 0));
  const producedAtMs = (flags & HAS_TIMESTAMP) === 0 ? null : cursor.time();
  places.headerCount = (flags & HAS_HEADERS) === 0 ? 0 : cursor.number();
  places.headersAt = cursor.at;
  places.bytes = keyLength;
  for (let index = 0; index < places.headerCount; index += 1) {
    const nameLength = cursor.number();
    cursor.skip(nameLength);
    const contentLength = Math.max(cursor.number() - 1, 0);
    cursor.skip(contentLength);
    places.bytes += nameLength + contentLength;
  }
  places.valueLength = cursor.number() - 1;
  const valueBytes = Math.max(places.valueLength, 0);
  places.valueAt = cursor.skip(valueBytes);
  places.bytes += valueBytes;
  return producedAtMs;
}
