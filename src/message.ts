import { inspect } from "node:util";
import type { StoredRecord } from "./driver/record.ts";
import { type MessageSource, positionEncoder } from "./position/position.ts";
import { toDate, toExactTime } from "./stored-time.ts";
import { bytesToText } from "./text-bytes.ts";
import type { Position } from "./tokens.ts";

export interface OutgoingMessage<T> {
  value: T;
  /** Absent: by the topic's `key` rule. May be empty where the provider stores that (`binaryKeys`, else `unsupported`). Neither: `invalid-argument`; `null` means no key. */
  key?: string | null | undefined;
  /** A name that is empty, and bytes that are not UTF-8, are `unsupported` without `exactHeaders`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Instead of the key's own. Not called `partition`, so that `{ ...message }` forwards key, value and headers only. @throws `unsupported` without `explicitPartition` */
  toPartition?: string | undefined;
  /**
   * When it happened. A `bigint` is a number of milliseconds with 64 bits, as in `raw.timestamp`; a number that no `Date` can hold is
   * refused. @throws `unsupported` without `producerTimestamps`
   */
  producedAt?: Date | number | bigint | undefined;
}

/** A received message. It is also a valid `OutgoingMessage`: key, value and headers are taken, its other properties ignored. */
export interface Message<T> {
  readonly topic: string;
  readonly partition: string;
  /** Unique in the topic and the same at every delivery: fit for de-duplication. Built at the first read: shown by `JSON.stringify`, left out by `{ ...message }`. */
  readonly position: Position;
  /**
   * When the provider stored it, or when the producer made it, as the provider reports. Need not increase. A time that no `Date` can
   * hold is the nearest one that it can; the exact value is `raw.timestamp`.
   */
  readonly timestamp: Date;
  /** `null`: none. A byte that is not UTF-8 shows as a lone surrogate (U+DC80 to U+DCFF) and is sent as that byte again. */
  readonly key: string | null;
  readonly value: T;
  /**
   * Of a repeated name the last value; bytes as in `key`. A header without a value (`null`) is left out. All of them: `raw`. The
   * object has no prototype: only names of headers are in it.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** Exactly the stored bytes. Not enumerable; copy what outlives the handler. */
  readonly raw: RawRecord;
  /** The SDK's own object (`KafkaMessage`, `_Record`, `ReceivedEventData`, …). Not enumerable. */
  readonly native: unknown;
}

export interface RawRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** In order, repeats included. `null`: a header without a value, which is not the same as an empty one. */
  readonly headers: readonly (readonly [name: string, value: Uint8Array | null])[];
  /** Milliseconds since the epoch as stored, also where no `Date` can hold them (nanoseconds written by other clients). */
  readonly timestamp: bigint;
}

export function messageSource(common: Omit<MessageSource, "positionOf">): MessageSource {
  const { provider, partition, identity } = common;
  return { ...common, positionOf: positionEncoder({ provider, ...identity, partition }) };
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze(emptyHeaders());

/** Without a prototype: a header may be called "constructor" or "__proto__", and a name that is no header has no value. */
export function emptyHeaders(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

/** Of a repeated name the last value; a name whose last value is `null` is left out. */
function headersToText(headers: StoredRecord["headers"]): Readonly<Record<string, string>> {
  if (headers.length === 0) return NO_HEADERS;
  const text = emptyHeaders();
  for (const [name, value] of headers) {
    if (value === null) delete text[name];
    else text[name] = bytesToText(value);
  }
  return text;
}

/**
 * A message as handed out. What users spread or log is own and enumerable; the position is built at the first read (building
 * it costs more than everything else) and shown by `JSON.stringify` and `console.log`; stored bytes reach neither.
 */
export class ReceivedMessage<T> implements Message<T> {
  readonly topic: string;
  readonly partition: string;
  readonly timestamp: Date;
  readonly key: string | null;
  readonly value: T;
  readonly headers: Readonly<Record<string, string>>;
  readonly #source: MessageSource;
  readonly #record: StoredRecord;

  /** `key` is `record.key` as text, which the caller has at hand. */
  constructor(source: MessageSource, record: StoredRecord, key: string | null, value: T) {
    this.topic = source.topic;
    this.partition = source.partition;
    this.timestamp = toDate(record.timestampMs);
    this.key = key;
    this.value = value;
    this.headers = headersToText(record.headers);
    this.#source = source;
    this.#record = record;
  }

  get position(): Position {
    return this.#source.positionOf(this.#record.position);
  }

  get raw(): RawRecord {
    return new StoredBytes(this.#record);
  }

  get native(): unknown {
    return this.#record.native;
  }

  toJSON(): object {
    const { topic, partition, position, timestamp, key, value, headers } = this;
    return { topic, partition, position, timestamp, key, value, headers: { ...headers } };
  }

  [inspect.custom](): object {
    return this.toJSON();
  }
}

/** The stored form of a record, made at the first read. */
class StoredBytes implements RawRecord {
  readonly #record: StoredRecord;

  constructor(record: StoredRecord) {
    this.#record = record;
  }

  get key(): Uint8Array | null {
    return this.#record.key;
  }

  get value(): Uint8Array | null {
    return this.#record.value;
  }

  get headers(): RawRecord["headers"] {
    return this.#record.headers;
  }

  get timestamp(): bigint {
    return toExactTime(this.#record.timestampMs);
  }
}
