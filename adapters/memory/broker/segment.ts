import type { OutgoingRecord, StoredTime } from "../../../src/driver/index.ts";
import type { Positions } from "./positions.ts";
import { MemoryRecord, type StoredHeaders, copyHeaders, headerBytes } from "../records.ts";

/** Below this length a loop is cheaper than a call of `set`. */
const LOOP_BELOW_BYTES = 24;
/** How many numbers a record has in `#places`: its start, and the lengths of key and value (-1: null) and of the headers. */
const FIELDS = 4;

/**
 * A part of a log: the bytes of many records in one chunk, so that appending allocates nothing per record. It is filled
 * once and never changed, because readers get copies.
 */
export class Segment {
  readonly firstIndex: number;
  readonly #positions: Positions;
  readonly #bytes: Uint8Array;
  readonly #places: Int32Array;
  readonly #timestamps: Float64Array;
  /** By slot: the times that a number cannot hold exactly. For them `#timestamps` has the nearest number, which compares the same with every `Date`. */
  readonly #exactTimes = new Map<number, bigint>();
  readonly #storedAt: Float64Array;
  readonly #capacity: number;
  /** Allocated at the first header. */
  #headers: (StoredHeaders | undefined)[] | undefined;
  #count = 0;
  #used = 0;
  #maxTimestampMs = -Infinity;

  constructor(positions: Positions, firstIndex: number, capacity: number, bytes: number) {
    this.#positions = positions;
    this.firstIndex = firstIndex;
    this.#capacity = capacity;
    this.#bytes = new Uint8Array(bytes);
    this.#places = new Int32Array(capacity * FIELDS);
    this.#timestamps = new Float64Array(capacity);
    this.#storedAt = new Float64Array(capacity);
  }

  /** The index after the last record. */
  get endIndex(): number {
    return this.firstIndex + this.#count;
  }

  get maxTimestampMs(): number {
    return this.#maxTimestampMs;
  }

  hasRoomFor(record: OutgoingRecord): boolean {
    return this.#count < this.#capacity && this.#used + payloadBytes(record) <= this.#bytes.length;
  }

  /** Copies the record to the end. @returns its size as `StoredRecord.bytes` counts it */
  append(record: OutgoingRecord, nowMs: number): number {
    const { key, value, headers } = record;
    const slot = this.#count;
    const place = slot * FIELDS;
    const places = this.#places;
    let at = this.#used;
    places[place] = at;
    places[place + 1] = key === null ? -1 : key.length;
    places[place + 2] = value === null ? -1 : value.length;
    if (key !== null) at = this.#copy(key, at);
    if (value !== null) at = this.#copy(value, at);
    let size = at - this.#used;
    if (headers.length > 0) {
      const ofHeaders = headerBytes(headers);
      this.#headers ??= [];
      this.#headers[slot] = copyHeaders(headers);
      places[place + 3] = ofHeaders;
      size += ofHeaders;
    }
    const exact = record.timestampMs ?? nowMs;
    const timestampMs = Number(exact);
    if (typeof exact === "bigint") this.#exactTimes.set(slot, exact);
    this.#timestamps[slot] = timestampMs;
    this.#storedAt[slot] = nowMs;
    if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    this.#used = at;
    this.#count = slot + 1;
    return size;
  }

  #copy(source: Uint8Array, at: number): number {
    const target = this.#bytes;
    if (source.length >= LOOP_BELOW_BYTES) target.set(source, at);
    else for (let index = 0; index < source.length; index += 1) target[at + index] = source[index]!;
    return at + source.length;
  }

  /** Records from `index` on: at least one, and as many as both bounds allow. Their bytes are one copy. */
  read(index: number, maxRecords: number, maxBytes: number): MemoryRecord[] {
    const first = index - this.firstIndex;
    const limit = Math.min(this.#count, first + maxRecords);
    const places = this.#places;
    const begin = places[first * FIELDS]!;
    let end = first;
    let bytes = 0;
    while (end < limit && (end === first || bytes < maxBytes)) {
      bytes += this.sizeOf(this.firstIndex + end);
      end += 1;
    }
    const stop = end < this.#count ? places[end * FIELDS]! : this.#used;
    const copy = this.#bytes.slice(begin, stop).buffer;
    const records: MemoryRecord[] = new Array(end - first);
    for (let slot = first; slot < end; slot += 1) {
      const place = slot * FIELDS;
      records[slot - first] = new MemoryRecord(
        this.#positions,
        this.firstIndex + slot,
        this.#exactTimes.size === 0 ? this.#timestamps[slot]! : this.#exactTime(slot),
        copy,
        places[place]! - begin,
        places[place + 1]!,
        places[place + 2]!,
        places[place + 3]!,
        this.#headers?.[slot],
      );
    }
    return records;
  }

  #exactTime(slot: number): StoredTime {
    return this.#exactTimes.get(slot) ?? this.#timestamps[slot]!;
  }

  sizeOf(index: number): number {
    const place = (index - this.firstIndex) * FIELDS;
    return Math.max(this.#places[place + 1]!, 0) + Math.max(this.#places[place + 2]!, 0) + this.#places[place + 3]!;
  }

  timestampOf(index: number): number {
    return this.#timestamps[index - this.firstIndex]!;
  }

  /** When the record was appended, whatever time its producer gave it. */
  storedAt(index: number): number {
    return this.#storedAt[index - this.firstIndex]!;
  }

  /** First index at or after `from` with this time or a later one. */
  findTimestamp(from: number, timestampMs: number): number | null {
    if (this.#maxTimestampMs < timestampMs) return null;
    for (let slot = from - this.firstIndex; slot < this.#count; slot += 1) {
      if (this.#timestamps[slot]! >= timestampMs) return this.firstIndex + slot;
    }
    return null;
  }
}

/** How many bytes a record needs in a segment's chunk. Headers are kept separately. */
export function payloadBytes(record: OutgoingRecord): number {
  return (record.key?.length ?? 0) + (record.value?.length ?? 0);
}
