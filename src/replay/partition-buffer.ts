import { UnreadableRecord } from "../codec/unreadable-record.ts";
import type { RangePartition } from "../driver/reader-driver.ts";
import type { StoredRecord } from "../driver/record.ts";
import { isEmptyRange } from "../position/empty-range.ts";
import type { ComparePositions, PartitionEnd, PartitionPlace, Place } from "../position/place.ts";
import type { MessageSource } from "../position/position.ts";

/** What was given to the driver to wait for. One object each would be garbage in every delivery. */
const DELIVER_MORE: Promise<boolean> = Promise.resolve(true);
const DONE: Promise<boolean> = Promise.resolve(false);

/**
 * One partition of a range: cuts what the driver delivers at the end of the range, queues it, and knows behind which record
 * the application stands. Records are queued, then taken, then handed out; the place moves with the last step only.
 */
export class PartitionBuffer {
  readonly source: MessageSource;
  readonly parents: readonly string[];
  readonly #start: Place;
  readonly #end: PartitionEnd;
  readonly #compare: ComparePositions;
  readonly #handedOutTo: ((record: StoredRecord) => void) | undefined;
  #chunks: (readonly StoredRecord[])[] = [];
  #next = 0;
  #queuedBytes = 0;
  #queued = 0;
  #taken = 0;
  #handedOut = 0;
  #place: PartitionPlace;
  /** Stands behind `#place` while it is set; its position is asked for only when a bookmark is. */
  #last: StoredRecord | undefined;
  /** Places without a record, in order, each reached when as many records have been handed out as were queued before it. */
  readonly #ahead: { place: PartitionPlace; readonly handedOut: number }[] = [];
  #finished = false;
  #wake: ((deliverMore: boolean) => void) | undefined;

  /**
   * @param start where reading starts; behind a gap it is not that of the range
   * @param handedOutTo is called for each record that the application has
   */
  constructor(
    source: MessageSource,
    range: RangePartition,
    start: Place,
    compare: ComparePositions,
    handedOutTo: ((record: StoredRecord) => void) | undefined,
  ) {
    this.source = source;
    this.parents = range.parents;
    this.#start = start;
    this.#place = start;
    this.#end = range.end;
    this.#compare = compare;
    this.#handedOutTo = handedOutTo;
    if (isEmptyRange(start, range.end, compare)) this.#finished = true;
  }

  /** As the driver is asked to read it. */
  get range(): RangePartition {
    return { partition: this.source.partition, start: this.#start, end: this.#end, parents: this.parents, gap: null };
  }

  get hasQueued(): boolean {
    return this.#taken < this.#queued;
  }

  /** Nothing of the range is still to come from the driver. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Everything has been taken as well: what comes after it may be read. */
  get drained(): boolean {
    return this.#finished && !this.hasQueued;
  }

  /** Where the application stands: everything before has been handed out. */
  get place(): PartitionPlace {
    return this.#last === undefined ? this.#place : { kind: "after", position: this.#last.position };
  }

  /** @returns the records that belong to the range */
  accept(delivered: readonly StoredRecord[]): readonly StoredRecord[] {
    const records = this.#withoutWithheld(delivered);
    const count = this.#countInside(records);
    const inside = count === records.length ? records : records.slice(0, count);
    if (inside.length > 0) {
      this.#chunks.push(inside);
      this.#queued += inside.length;
      for (const record of inside) this.#queuedBytes += record.bytes;
    }
    if (count < records.length) {
      // An end that is a time has a place only now that its record was seen.
      this.finish(this.#end?.kind === "timestamp" ? { kind: "at", position: records[count]!.position } : this.#endPlace());
    } else if (this.#reachesEnd(records.at(-1))) this.finish(this.#endPlace());
    return inside;
  }

  /** Waits until less than `shareBytes` are queued. `false`: the range has ended here, or reading has stopped. */
  room(shareBytes: number): Promise<boolean> {
    if (this.#finished) return DONE;
    if (this.#queuedBytes < shareBytes) return DELIVER_MORE;
    // A driver waits for one delivery before it makes the next; one that does not has its earlier wait ended when it asks again.
    this.#wake?.(true);
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** Nothing up to here. */
  advance(through: string): void {
    this.#reach({ kind: "after", position: through });
    const end = this.#end;
    if ((end?.kind === "before" || end?.kind === "through") && this.#compare(through, end.position) >= 0) this.finish(this.#endPlace());
  }

  /** Everything stored has been queued: the end of every range that has one. */
  caughtUp(): void {
    if (this.#end !== null) this.finish(this.#endPlace());
  }

  /** Retention passed what came before. */
  resumeAt(place: Place): void {
    this.#reach(place);
  }

  /** Nothing more of this partition. `place`: where it ends; absent where that is behind the last record. */
  finish(place?: PartitionPlace): void {
    if (this.#finished) return;
    this.#finished = true;
    if (place !== undefined) this.#reach(place);
    this.endWait(false);
  }

  /** Ends the driver's wait for room. */
  endWait(deliverMore: boolean): void {
    this.#wake?.(deliverMore);
    this.#wake = undefined;
  }

  /** Drops what is queued: it will not be handed out. */
  discard(): void {
    this.#chunks = [];
    this.#next = 0;
  }

  /** Only while `hasQueued`. */
  take(shareBytes: number): StoredRecord {
    const chunk = this.#chunks[0]!;
    const record = chunk[this.#next]!;
    this.#next += 1;
    if (this.#next === chunk.length) {
      this.#chunks.shift();
      this.#next = 0;
    }
    this.#taken += 1;
    this.#queuedBytes -= record.bytes;
    if (this.#wake !== undefined && this.#queuedBytes < shareBytes) this.endWait(true);
    return record;
  }

  /** The application has the record now, or `onCorrupt` has been called for it. In the order of `take`. */
  handOut(record: StoredRecord): void {
    this.#last = record;
    this.#handedOut += 1;
    this.#handedOutTo?.(record);
    if (this.#ahead[0]?.handedOut === this.#handedOut) this.#arrive(this.#ahead.shift()!.place);
  }

  #reach(place: PartitionPlace): void {
    const last = this.#ahead.at(-1);
    if (this.#handedOut === this.#queued) this.#arrive(place);
    else if (last?.handedOut === this.#queued) last.place = place;
    else this.#ahead.push({ place, handedOut: this.#queued });
  }

  #arrive(place: PartitionPlace): void {
    this.#place = place;
    this.#last = undefined;
  }

  /** Nothing of the range can follow this record. One that cannot be read may go beyond its end. */
  #reachesEnd(last: StoredRecord | undefined): boolean {
    const end = this.#end;
    if (last === undefined || (end?.kind !== "through" && end?.kind !== "before")) return false;
    return (end.kind === "through" || last instanceof UnreadableRecord) && this.#compare(last.position, end.position) >= 0;
  }

  /** Without an order between keys, a record behind the end says nothing about those that follow. */
  #withoutWithheld(records: readonly StoredRecord[]): readonly StoredRecord[] {
    const end = this.#end;
    return end?.kind === "stored-before" ? records.filter(({ timestampMs }) => timestampMs < end.timestampMs) : records;
  }

  #countInside(records: readonly StoredRecord[]): number {
    if (this.#finished) return 0;
    const end = this.#end;
    const last = records.at(-1);
    if (last === undefined || end === null || end.kind === "caught-up" || end.kind === "quiet" || end.kind === "stored-before") {
      return records.length;
    }
    const outside =
      end.kind === "timestamp"
        ? (record: StoredRecord) => record.timestampMs >= end.timestampMs
        : end.kind === "before"
          ? (record: StoredRecord) => this.#compare(beginOf(record), end.position) >= 0
          : (record: StoredRecord) => this.#compare(beginOf(record), end.position) > 0;
    // Positions rise, so the last record decides for most deliveries. Times may fall.
    if (end.kind !== "timestamp" && !outside(last)) return records.length;
    const first = records.findIndex(outside);
    return first === -1 ? records.length : first;
  }

  #endPlace(): PartitionPlace | undefined {
    if (this.#end?.kind === "before") return { kind: "at", position: this.#end.position };
    if (this.#end?.kind === "through") return { kind: "after", position: this.#end.position };
    return undefined;
  }
}

function beginOf(record: StoredRecord): string {
  return record instanceof UnreadableRecord ? record.range.first : record.position;
}
