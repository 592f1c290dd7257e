import { DamagedReads } from "../../faults/damaged-reads.ts";
import type { IncomingEvent } from "./incoming-event.ts";
import { StoredEvent } from "./stored-event.ts";

/** The end of a partition, as the service reports it. */
export interface PartitionEnd {
  readonly sequenceNumber: number;
  readonly offset: string;
  /** `null`: nothing has ever been stored. */
  readonly enqueuedMs: number | null;
}

/** How offsets are made: the number of bytes before the event, or what hubs with geo-replication have. */
export type OffsetOf = (byteOffset: number) => string;

/** The offset of the end of a partition without events. */
export const NO_OFFSET = "-1";

/** The events of one partition, in the order in which they were stored. Sequence numbers rise by one and are never used again. */
export class PartitionLog {
  readonly id: string;
  readonly #offsetOf: () => OffsetOf;
  #events: StoredEvent[] = [];
  #next = 0;
  #byteOffset = 0;
  #begin = 0;
  #end: PartitionEnd = { sequenceNumber: -1, offset: NO_OFFSET, enqueuedMs: null };
  readonly #readers = new Set<() => void>();
  /** By sequence number. */
  readonly #damage = new DamagedReads<number>();

  constructor(id: string, offsetOf: () => OffsetOf) {
    this.id = id;
    this.#offsetOf = offsetOf;
  }

  /** The sequence number of the oldest event that retention has left; that of the next event if there is none. */
  get begin(): number {
    return this.#begin;
  }

  get end(): PartitionEnd {
    return this.#end;
  }

  /** The sequence number that the next event gets. */
  get next(): number {
    return this.#next;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  /** Stores all of them at once, then tells the readers. */
  append(events: readonly IncomingEvent[], nowMs: number): void {
    const enqueuedMs = Math.max(nowMs, this.#end.enqueuedMs ?? nowMs);
    for (const event of events) {
      const stored = new StoredEvent(event, { sequenceNumber: this.#next, offset: this.#offsetOf()(this.#byteOffset), enqueuedMs });
      this.#events.push(stored);
      this.#next += 1;
      this.#byteOffset += stored.length;
      this.#end = { sequenceNumber: stored.sequenceNumber, offset: stored.offset, enqueuedMs };
    }
    for (const tell of this.#readers) tell();
  }

  /** @param tell called after events were stored. @returns ends that */
  onAppended(tell: () => void): () => void {
    this.#readers.add(tell);
    return () => void this.#readers.delete(tell);
  }

  /** Up to so many events, from the first one with this sequence number or a higher one. */
  read(from: number, count: number): readonly StoredEvent[] {
    const start = this.#indexOf(from);
    return this.#events.slice(start, start + count);
  }

  /**
   * Makes the event that was stored last unreadable for so many reads.
   * @returns whether there is one
   */
  damageLast(reads: number): boolean {
    const last = this.#events.at(-1);
    if (last !== undefined) this.#damage.add(last.sequenceNumber, reads);
    return last !== undefined;
  }

  /** The message of an event for one read. */
  messageOf(event: StoredEvent): Buffer {
    return this.#damage.shows(event.sequenceNumber) ? event.damagedBytes : event.bytes;
  }

  /** The first event in log order that fits. */
  find(fits: (event: StoredEvent) => boolean): StoredEvent | undefined {
    return this.#events.find(fits);
  }

  /** Removes what retention has passed: everything before the first event that was stored later than this time. */
  removeUntil(epochMs: number): void {
    const oldest = this.#events[0];
    if (oldest === undefined || oldest.enqueuedMs > epochMs) return;
    const kept = this.#events.findIndex(({ enqueuedMs }) => enqueuedMs > epochMs);
    this.#removeBefore(kept === -1 ? this.#next : this.#events[kept]!.sequenceNumber);
  }

  removeAll(): void {
    this.#removeBefore(this.#next);
  }

  #removeBefore(sequenceNumber: number): void {
    this.#events = this.#events.slice(this.#indexOf(sequenceNumber));
    this.#begin = Math.max(this.#begin, sequenceNumber);
    this.#damage.forget((damaged) => damaged < sequenceNumber);
  }

  /** Keeps the last event of each key, and those without one. The end stays, and so do sequence numbers and offsets. */
  compact(): void {
    const last = new Map<string, number>();
    for (const { partitionKey, sequenceNumber } of this.#events) if (partitionKey !== null) last.set(partitionKey, sequenceNumber);
    this.#events = this.#events.filter(
      ({ partitionKey, sequenceNumber, isTombstone }) =>
        partitionKey === null || (last.get(partitionKey) === sequenceNumber && !isTombstone),
    );
  }

  #indexOf(sequenceNumber: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.sequenceNumber < sequenceNumber) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
