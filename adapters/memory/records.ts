import type { HeaderList, Limits, OutgoingRecord, StoredRecord, StoredTime, UnreadableRange } from "../../src/driver/index.ts";
import type { Positions } from "./broker/positions.ts";

/** Headers as the log keeps them. Only copies of them are handed out. */
export type StoredHeaders = HeaderList;

const NO_HEADERS: HeaderList = Object.freeze([]);
const NO_BYTES = new Uint8Array(0);

/**
 * A record as it is delivered. Its bytes lie in a copy for one delivery, so that a handler may overwrite them. Views, the copied
 * headers and the position are made when they are read.
 */
export class MemoryRecord implements StoredRecord {
  /** Index in the log. Only the log counts in numbers; everything else uses `position`. */
  readonly index: number;
  readonly timestampMs: StoredTime;
  readonly #positions: Positions;
  readonly #chunk: ArrayBuffer;
  readonly #begin: number;
  readonly #keyLength: number;
  readonly #valueLength: number;
  readonly #headerBytes: number;
  readonly #stored: StoredHeaders | undefined;
  #headers: HeaderList | undefined;
  #isEnveloped = false;
  deliveryAttempt: number | null = null;

  constructor(
    positions: Positions,
    index: number,
    timestampMs: StoredTime,
    chunk: ArrayBuffer,
    begin: number,
    keyLength: number,
    valueLength: number,
    ofHeaders: number,
    headers: StoredHeaders | undefined,
  ) {
    this.#positions = positions;
    this.index = index;
    this.timestampMs = timestampMs;
    this.#chunk = chunk;
    this.#begin = begin;
    this.#keyLength = keyLength;
    this.#valueLength = valueLength;
    this.#headerBytes = ofHeaders;
    this.#stored = headers;
  }

  get position(): string {
    return this.#positions.nameOf(this.index);
  }

  get key(): Uint8Array | null {
    return this.#keyLength < 0 ? null : new Uint8Array(this.#chunk, this.#begin, this.#keyLength);
  }

  get value(): Uint8Array | null {
    return this.#valueLength < 0 ? null : new Uint8Array(this.#chunk, this.#begin + Math.max(this.#keyLength, 0), this.#valueLength);
  }

  get headers(): HeaderList {
    if (this.#stored === undefined) return NO_HEADERS;
    return (this.#headers ??= copyHeaders(this.#stored));
  }

  /** What another client would see besides key and value. Without an SDK there is no other native object. */
  get native(): { readonly headers: HeaderList } | null {
    return this.#isEnveloped ? null : { headers: this.headers };
  }

  /** The form of the provider has no headers: they travel in an envelope, which other clients cannot read. */
  hideHeaders(): void {
    this.#isEnveloped = true;
  }

  get bytes(): number {
    return Math.max(this.#keyLength, 0) + Math.max(this.#valueLength, 0) + this.#headerBytes;
  }
}

export function copyHeaders(headers: HeaderList): HeaderList {
  return headers.map(([name, value]) => [name, value?.slice() ?? null] as const);
}

export function headerBytes(headers: HeaderList): number {
  let bytes = 0;
  for (const [name, value] of headers) bytes += Buffer.byteLength(name, "utf8") + (value?.length ?? 0);
  return bytes;
}

function recordBytes(record: OutgoingRecord): number {
  return (record.key?.length ?? 0) + (record.value?.length ?? 0) + headerBytes(record.headers);
}

/** What a provider with these limits says about a record that is over one of them; `null`: it takes the record. */
export function excessOf(record: OutgoingRecord, limits: Limits): string | null {
  const { messageBytes, headerCount = Infinity, headerNameBytes = Infinity, headerValueBytes = Infinity } = limits;
  const { headers } = record;
  if (recordBytes(record) > messageBytes) return `a message may have ${messageBytes} bytes`;
  if (headers.length > headerCount) return `a message may have ${headerCount} headers`;
  for (const [name, value] of headers) {
    if (Buffer.byteLength(name, "utf8") > headerNameBytes) return `the name of a header may have ${headerNameBytes} bytes`;
    if ((value?.length ?? 0) > headerValueBytes) return `the value of a header may have ${headerValueBytes} bytes`;
  }
  return null;
}

/** The error for a damaged record at this position. */
export function unreadableAt(position: string): UnreadableRange {
  const reason = `the record at position ${position} cannot be read: its bytes are damaged`;
  return { first: position, last: position, reason, cause: undefined };
}

/** The parts of a record that a provider may not keep exactly: binary keys, headers, the producer's times, tombstones. */
export interface RecordFidelity {
  readonly binaryKeys: boolean;
  readonly exactHeaders: boolean;
  readonly producerTimestamps: boolean;
  readonly tombstones: boolean;
}

/** The record as a provider with these capabilities keeps it. */
export function asKept(record: OutgoingRecord, fidelity: RecordFidelity): OutgoingRecord {
  return {
    key: fidelity.binaryKeys || record.key === null ? record.key : throughText(record.key),
    value: fidelity.tombstones || record.value !== null ? record.value : NO_BYTES,
    headers: fidelity.exactHeaders ? record.headers : textHeaders(record.headers),
    timestampMs: fidelity.producerTimestamps ? record.timestampMs : null,
    toPartition: record.toPartition,
  };
}

function throughText(bytes: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"), "utf8");
}

/** Headers as a map of texts: a repeated name keeps its last value, and a header without a value is empty. */
function textHeaders(headers: HeaderList): HeaderList {
  return [...new Map(headers.map(([name, value]) => [name.toWellFormed(), throughText(value ?? NO_BYTES)]))];
}
