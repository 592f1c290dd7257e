import { UnreadableRecord } from "../codec/unreadable-record.ts";
import { channels } from "../diagnostics/channels.ts";
import type { ChildPartition } from "../driver/consumer-driver.ts";
import type { ReaderDriver, ReaderSink } from "../driver/reader-driver.ts";
import type { StoredRecord, UnreadableRange } from "../driver/record.ts";
import { StreamError } from "../errors.ts";
import type { ComparePositions, DriverGap, PartitionPlace } from "../position/place.ts";
import type { MessageSource } from "../position/position.ts";
import type { PartitionBuffer } from "./partition-buffer.ts";
import { PartitionTurns } from "./partition-turns.ts";
import { type HandedOutListener, RangePartitions, type StartedPartition } from "./range-partitions.ts";

/** What a range buffer needs from its reader. */
export interface RangeBufferSettings {
  readonly reader: ReaderDriver;
  readonly compare: ComparePositions;
  sourceOf(partition: string): MessageSource;
  readonly maxBufferedBytes: number;
  /** Partitions that appear while reading belong to the range: it has no end and is not confined to named ones. */
  readonly takesNewPartitions: boolean;
  readonly handedOut: HandedOutListener | undefined;
  /** Resolves when the application accepts the gap. */
  gap(partition: string, gap: DriverGap): Promise<void>;
  /** Any error as ours. */
  toError(error: unknown): StreamError;
}

/**
 * All partitions of a range: starts each when it may be read, holds what the driver delivers within bounds, and hands it out
 * in turns. An error ends the range behind what was delivered before it.
 */
export class RangeBuffer implements ReaderSink {
  readonly #settings: RangeBufferSettings;
  readonly #partitions: RangePartitions;
  readonly #reading = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  readonly #turns = new PartitionTurns();
  #unfinished = 0;
  #error: StreamError | undefined;
  #notify: (() => void) | undefined;
  #started = false;

  constructor(settings: RangeBufferSettings, partitions: readonly StartedPartition[], endedBefore: ReadonlySet<string>) {
    this.#settings = settings;
    const sourceOf = (partition: string): MessageSource => settings.sourceOf(partition);
    this.#partitions = new RangePartitions(partitions, endedBefore, sourceOf, settings.compare, settings.handedOut);
  }

  /** Behind what was handed out, for every partition of the range. */
  places(): ReadonlyMap<string, PartitionPlace> {
    return this.#partitions.places();
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#startReady();
  }

  /** The partition whose turn it is; `undefined`: nothing is queued. */
  nextReady(): PartitionBuffer | undefined {
    return this.#turns.current();
  }

  /** One record of the partition whose turn it is, and the turn goes on. */
  take(buffer: PartitionBuffer): StoredRecord {
    const record = buffer.take(this.#shareBytes());
    this.#turns.advance(buffer);
    if (buffer.drained) this.#startReady();
    return record;
  }

  /** As `take`, up to so many records in one turn. */
  takeSome(buffer: PartitionBuffer, most: number): StoredRecord[] {
    const records: StoredRecord[] = [];
    const shareBytes = this.#shareBytes();
    while (records.length < most && buffer.hasQueued) records.push(buffer.take(shareBytes));
    this.#turns.advance(buffer);
    if (buffer.drained) this.#startReady();
    return records;
  }

  /** Has everything been taken, or has reading failed? Then nothing will be queued any more. */
  get over(): boolean {
    return (
      this.#turns.isEmpty &&
      (this.#error !== undefined || this.#abort.signal.aborted || (this.#unfinished === 0 && !this.#partitions.hasWaiting))
    );
  }

  /** Why nothing follows; `undefined`: the range has been read, or was closed. */
  get error(): StreamError | undefined {
    return this.#error;
  }

  /** Resolves when something is queued, or nothing ever will be. One caller at a time. */
  changed(): Promise<void> {
    if (!this.#turns.isEmpty || this.over) return Promise.resolve();
    return new Promise((resolve) => (this.#notify = resolve));
  }

  /** Ends a wait for `changed` before its time. */
  wake(): void {
    this.#notify?.();
    this.#notify = undefined;
  }

  /** Stops reading and forgets what is queued; resolves when the driver has stopped. Never rejects. */
  async close(): Promise<void> {
    this.#stop();
    this.#turns.clear();
    for (const buffer of this.#partitions.all()) buffer.discard();
    this.wake();
    await Promise.all(this.#reading);
  }

  deliver(partition: string, records: readonly StoredRecord[]): Promise<boolean> {
    const buffer = this.#open(partition);
    if (buffer === undefined) return Promise.resolve(false);
    const wasReady = buffer.hasQueued;
    const accepted = buffer.accept(records);
    if (accepted.length > 0) {
      if (channels.deliver.hasSubscribers) this.#report(buffer, accepted);
      if (!wasReady) this.#turns.add(buffer);
      this.wake();
    }
    this.#settle(buffer);
    return buffer.room(this.#shareBytes());
  }

  unreadable(partition: string, range: UnreadableRange): Promise<boolean> {
    return this.deliver(partition, [new UnreadableRecord(range)]);
  }

  advanced(partition: string, through: string): boolean {
    const buffer = this.#open(partition);
    buffer?.advance(through);
    return this.#settle(buffer);
  }

  caughtUp(partition: string): boolean {
    const buffer = this.#open(partition);
    buffer?.caughtUp();
    return this.#settle(buffer);
  }

  ended(partition: string, children: readonly ChildPartition[]): void {
    const buffer = this.#open(partition);
    if (buffer === undefined) return;
    if (this.#settings.takesNewPartitions) this.#partitions.join(children);
    buffer.finish({ kind: "ended" });
    this.#settle(buffer);
  }

  appeared(partitions: readonly ChildPartition[]): void {
    if (!this.#settings.takesNewPartitions || this.#abort.signal.aborted) return;
    this.#partitions.join(partitions);
    this.#startReady();
  }

  async gap(partition: string, gap: DriverGap): Promise<void> {
    try {
      await this.#settings.gap(partition, gap);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    this.#open(partition)?.resumeAt(gap.resumesAt);
  }

  /** A partition of which more may come. */
  #open(partition: string): PartitionBuffer | undefined {
    const buffer = this.#partitions.get(partition);
    return buffer === undefined || buffer.finished || this.#abort.signal.aborted ? undefined : buffer;
  }

  /** After every change of a partition: is it done? @returns whether the driver goes on with it */
  #settle(buffer: PartitionBuffer | undefined): boolean {
    if (buffer === undefined) return false;
    if (!buffer.finished) return true;
    this.#unfinished -= 1;
    if (buffer.drained) this.#startReady();
    if (this.over) this.wake();
    return false;
  }

  /** Reads what no longer waits for a parent. */
  #startReady(): void {
    if (!this.#started || this.#abort.signal.aborted) return;
    const starting = this.#partitions.takeFree();
    if (starting.length === 0) return;
    this.#unfinished += starting.length;
    const reading: Promise<void> = this.#read(starting).finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
  }

  /** Never rejects: an error becomes the range's. */
  async #read(buffers: readonly PartitionBuffer[]): Promise<void> {
    try {
      await this.#settings.reader.read(
        buffers.map((buffer) => buffer.range),
        this,
        this.#abort.signal,
      );
      const unread = buffers.find((buffer) => !buffer.finished);
      if (unread !== undefined && !this.#abort.signal.aborted) {
        throw new StreamError("internal", "the adapter stopped reading before the end of the range", {
          partition: unread.source.partition,
        });
      }
    } catch (error) {
      // After an abort the rejection is the abort itself, or an error of the driver while it stops, which no longer matters.
      if (!this.#abort.signal.aborted) this.#fail(error);
    }
  }

  /** What is queued is still handed out; the error comes behind it. */
  #fail(error: unknown): void {
    if (this.#error !== undefined || this.#abort.signal.aborted) return;
    this.#error = this.#settings.toError(error);
    this.#stop();
    this.wake();
  }

  #stop(): void {
    this.#abort.abort();
    for (const buffer of this.#partitions.all()) buffer.endWait(false);
  }

  /** Each partition has its part of the bound, so that a fast one cannot keep the others out. */
  #shareBytes(): number {
    return this.#settings.maxBufferedBytes / Math.max(1, this.#unfinished);
  }

  #report(buffer: PartitionBuffer, records: readonly StoredRecord[]): void {
    const { provider, topic, partition } = buffer.source;
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
    channels.deliver.publish({ provider, topic, group: null, partition, messages: records.length, bytes });
  }
}
