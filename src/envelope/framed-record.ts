import type { HeaderList, StoredRecord } from "../driver/record.ts";
import type { StoredTime } from "../stored-time.ts";
import { bytesToText } from "../text-bytes.ts";
import { FrameCursor } from "./frame-cursor.ts";
import { packedPosition } from "./packed-position.ts";

const NO_HEADERS: HeaderList = Object.freeze([]);

/** A record as the service hands it out. */
export interface ServiceRecord {
  /** `null` where the service knows records without one. */
  readonly partitionKey: Uint8Array | null;
  readonly data: Uint8Array;
  /** The service's own: a sequence number, an offset. Without a slash. */
  readonly position: string;
  /** When the service stored it. */
  readonly timestampMs: StoredTime;
  /** The SDK's own object. It may be made at each read. */
  readonly native: unknown;
}

/** What the messages of a frame have in common. */
export interface FrameFacts {
  readonly record: ServiceRecord;
  readonly frame: Buffer;
  readonly count: number;
}

/** Where the parts of a message lie in its frame. A length of -1 means null. */
export interface MessagePlaces {
  idAt: number;
  idLength: number;
  headersAt: number;
  headerCount: number;
  valueAt: number;
  valueLength: number;
  /** As `StoredRecord.bytes` counts. */
  bytes: number;
}

/** A message of a frame. Its parts are views into the record's data, made when they are read; the structure was checked before. */
export class FramedRecord implements StoredRecord {
  readonly key: Uint8Array | null;
  /** When the producer made it, where it said so. */
  readonly producedAtMs: StoredTime | null;
  readonly bytes: number;
  readonly deliveryAttempt = null;
  readonly #facts: FrameFacts;
  readonly #index: number;
  readonly #idAt: number;
  readonly #idLength: number;
  readonly #headersAt: number;
  readonly #headerCount: number;
  readonly #valueAt: number;
  readonly #valueLength: number;
  #headers: HeaderList | undefined;

  constructor(facts: FrameFacts, index: number, key: Uint8Array | null, producedAtMs: StoredTime | null, places: MessagePlaces) {
    this.#facts = facts;
    this.#index = index;
    this.key = key;
    this.producedAtMs = producedAtMs;
    this.bytes = places.bytes;
    this.#idAt = places.idAt;
    this.#idLength = places.idLength;
    this.#headersAt = places.headersAt;
    this.#headerCount = places.headerCount;
    this.#valueAt = places.valueAt;
    this.#valueLength = places.valueLength;
  }

  /** That of the record, with the number of the message where the record holds several. */
  get position(): string {
    return packedPosition(this.#facts.record.position, this.#index, this.#facts.count);
  }

  /** When the service stored the record. */
  get timestampMs(): StoredTime {
    return this.#facts.record.timestampMs;
  }

  /** `null`: none was given. */
  get id(): Uint8Array | null {
    return viewOf(this.#facts.frame, this.#idAt, this.#idLength);
  }

  get value(): Uint8Array | null {
    return viewOf(this.#facts.frame, this.#valueAt, this.#valueLength);
  }

  get headers(): HeaderList {
    if (this.#headerCount === 0) return NO_HEADERS;
    return (this.#headers ??= readHeaders(this.#facts.frame, this.#headersAt, this.#headerCount));
  }

  /** The SDK's own object: the whole record, which may hold other messages too. */
  get native(): unknown {
    return this.#facts.record.native;
  }
}

/** @param length -1: `null` */
export function viewOf(bytes: Buffer, at: number, length: number): Uint8Array | null {
  return length < 0 ? null : new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
}

function readHeaders(frame: Buffer, begin: number, count: number): HeaderList {
  const headers: (readonly [string, Uint8Array | null])[] = [];
  const cursor = new FrameCursor(frame, begin);
  for (let index = 0; index < count; index += 1) {
    const nameLength = cursor.number();
    const nameAt = cursor.skip(nameLength);
    const valueLength = cursor.number() - 1;
    const valueAt = cursor.skip(Math.max(valueLength, 0));
    headers.push([nameOf(frame, nameAt, nameAt + nameLength), viewOf(frame, valueAt, valueLength)]);
  }
  return headers;
}

/** Like `bytesToText`, but a view is made only for bytes that may not be UTF-8. */
function nameOf(frame: Buffer, begin: number, end: number): string {
  const name = frame.toString("utf8", begin, end);
  return name.includes("\ufffd") ? bytesToText(frame.subarray(begin, end)) : name;
}
