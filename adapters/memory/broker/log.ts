import type { OutgoingRecord } from "../../../src/driver/index.ts";
import type { MemoryRecord } from "../records.ts";
import { Compaction } from "./compaction.ts";
import { Damage } from "./damage.ts";
import type { Positions } from "./positions.ts";
import { Segment, payloadBytes } from "./segment.ts";
import { Wake } from "./wake.ts";

/** The first segment is small, because most topics of tests are. Each later one is twice as large as the one before, up to these sizes. */
const FIRST_SEGMENT = { records: 64, bytes: 4096 };
const LARGEST_SEGMENT = { records: 4096, bytes: 262_144 };

/** How long a log keeps its records. `null`: for ever. */
export interface Retention {
  readonly retentionMs: number | null;
  readonly retentionBytes: number | null;
}

/**
 * The append-only log of one partition. Inside, a record is known by its index, a whole number from 0 that is never used
 * twice. Outside of the driver it is known by its position.
 */
export class Log {
  /** Wakes when records were appended, or when the log was closed. */
  readonly changed = new Wake();
  readonly positions: Positions;
  readonly #segments: Segment[] = [];
  readonly #compaction = new Compaction();
  readonly damage = new Damage();
  #firstIndex = 0;
  #endIndex = 0;
  #bytes = 0;
  #closedAtMs: number | null = null;
  #isExpired = false;
  #newestDroppedMs = -Infinity;
  #nextRecords = FIRST_SEGMENT.records;
  #nextBytes = FIRST_SEGMENT.bytes;

  constructor(positions: Positions) {
    this.positions = positions;
  }

  /** Index of the oldest record that is kept; `endIndex` if the log is empty. */
  get firstIndex(): number {
    return this.#firstIndex;
  }

  /** Index of the next record. */
  get endIndex(): number {
    return this.#endIndex;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#firstIndex === this.#endIndex;
  }

  /** Nothing is appended to it any more. */
  get closed(): boolean {
    return this.#closedAtMs !== null;
  }

  /** A service no longer lists it: it is closed, and retention has dropped all of it, also the fact that it was empty. */
  isGone({ retentionMs }: Retention, nowMs: number): boolean {
    if (this.#closedAtMs === null || !this.isEmpty) return false;
    return this.#isExpired || (retentionMs !== null && this.#closedAtMs <= nowMs - retentionMs);
  }

  /** Greatest timestamp of all records that retention has dropped. */
  get newestDroppedMs(): number {
    return this.#newestDroppedMs;
  }

  /** Copies the record to the end. The caller wakes the waiting readers, once per call. */
  append(record: OutgoingRecord, nowMs: number): void {
    let tail = this.#segments.at(-1);
    if (tail === undefined || !tail.hasRoomFor(record)) tail = this.#addSegment(record);
    this.#bytes += tail.append(record, nowMs);
    this.#endIndex += 1;
  }

  #addSegment(record: OutgoingRecord): Segment {
    const segment = new Segment(this.positions, this.#endIndex, this.#nextRecords, Math.max(this.#nextBytes, payloadBytes(record)));
    this.#nextRecords = Math.min(this.#nextRecords * 2, LARGEST_SEGMENT.records);
    this.#nextBytes = Math.min(this.#nextBytes * 2, LARGEST_SEGMENT.bytes);
    this.#segments.push(segment);
    return segment;
  }

  close(): void {
    this.#closedAtMs = Date.now();
    this.changed.wake();
  }

  /**
   * Records from `index` on that follow each other. If compaction has removed that one, they begin at the next that is left. Empty if
   * none is left up to the end. `index` must not be below `firstIndex`.
   */
  read(index: number, maxRecords: number, maxBytes: number): MemoryRecord[] {
    const from = this.#compaction.next(index);
    return from >= this.#endIndex ? [] : this.#segmentOf(from).read(from, this.#compaction.run(from, maxRecords), maxBytes);
  }

  /** Removes records that a later record of their key supersedes, and tombstones. Everything else keeps its index. */
  compact(): void {
    const records: MemoryRecord[] = [];
    for (let from = this.#firstIndex; ; from = records.at(-1)!.index + 1) {
      const read = this.read(from, this.#endIndex, Infinity);
      if (read.length === 0) break;
      records.push(...read);
    }
    for (const { bytes } of this.#compaction.compact(records)) this.#bytes -= bytes;
  }

  /** The first index at or after this one that compaction has left; `endIndex` if it has left none. */
  firstKept(index: number): number {
    return Math.min(this.#compaction.next(index), this.#endIndex);
  }

  /** Whether compaction has removed the record. */
  isRemoved(index: number): boolean {
    return this.#compaction.has(index);
  }

  #segmentOf(index: number): Segment {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle]!.endIndex > index) high = middle;
      else low = middle + 1;
    }
    return this.#segments[low]!;
  }

  /** First record in log order with this time or a later one; `null` if no record has. */
  findTimestamp(timestampMs: number): number | null {
    for (const segment of this.#segments) {
      let found = segment.findTimestamp(Math.max(segment.firstIndex, this.#firstIndex), timestampMs);
      while (found !== null && this.isRemoved(found)) found = segment.findTimestamp(found + 1, timestampMs);
      if (found !== null) return found;
    }
    return null;
  }

  /** Also answers for a record that compaction has removed. */
  timestampOf(index: number): number {
    return this.#segmentOf(index).timestampOf(index);
  }

  /** Drops the records that retention no longer keeps, oldest first. */
  trim(retention: Retention, nowMs: number): void {
    const { retentionMs, retentionBytes } = retention;
    if (retentionMs !== null) {
      while (!this.isEmpty && this.#segments[0]!.storedAt(this.#firstIndex) <= nowMs - retentionMs) this.#dropOldest();
    }
    if (retentionBytes !== null) while (this.#bytes > retentionBytes) this.#dropOldest();
  }

  /** Drops everything that is stored now, as retention does once it has passed. */
  expire(): void {
    while (!this.isEmpty) this.#dropOldest();
    this.#isExpired = this.closed;
  }

  #dropOldest(): void {
    const head = this.#segments[0]!;
    if (!this.#compaction.forget(this.#firstIndex)) {
      this.#bytes -= head.sizeOf(this.#firstIndex);
      this.#newestDroppedMs = Math.max(this.#newestDroppedMs, head.timestampOf(this.#firstIndex));
    }
    this.damage.forget(this.#firstIndex);
    this.#firstIndex += 1;
    // The whole segment becomes garbage at once, because delivered records are copies.
    if (this.#firstIndex === head.endIndex) this.#segments.shift();
  }
}
