import { UnreadableRecord } from "../codec/unreadable-record.ts";
import { channels } from "../diagnostics/channels.ts";
import type { ChildPartition } from "../driver/consumer-driver.ts";
import type { ReaderDriver, ReaderSink } from "../driver/reader-driver.ts";
import type { StoredRecord, UnreadableRange } from "../driver/record.ts";
import { StreamError } from "../errors.ts";
import type { DriverGap, PartitionPlace } from "../position/place.ts";
import type { MessageSource } from "../position/position.ts";
import type { PartitionFeed } from "./partition-feed.ts";
import { PartitionTurns } from "./partition-turns.ts";
import { RangePartitions, type StartedPartition } from "./range-partitions.ts";

/** What a feed needs to know and whom it tells. */
export interface RangeFeedSettings {
  readonly reader: ReaderDriver;
  readonly compare: (a: string, b: string) => number;
  sourceOf(partition: string): MessageSource;
  readonly maxBufferedBytes: number;
  /** Partitions that appear while reading belong to the range: it has no end and is not confined to named ones. */
  readonly takesNewPartitions: boolean;
  /** Resolves when the application accepts the gap. */
  gap(partition: string, gap: DriverGap): Promise<void>;
  /** Any error as ours. */
  toError(error: unknown): StreamError;
}

/**
 * All partitions of a range: starts each when it may be read, holds what the driver delivers within bounds, and hands it out
 * in turns. An error ends the range behind what was delivered before it.
 */
export class RangeFeed implements ReaderSink {
  readonly #settings: RangeFeedSettings;
  readonly #partitions: RangePartitions;
  readonly #reading = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  readonly #turns = new PartitionTurns();
  #unfinished = 0;
  #error: StreamError | undefined;
  #notify: (() => void) | undefined;
  #started = false;

  constructor(settings: RangeFeedSettings, partitions: readonly StartedPartition[], endedBefore: ReadonlySet<string>) {
    this.#settings = settings;
    this.#partitions = new RangePartitions(partitions, endedBefore, (partition) => settings.sourceOf(partition), settings.compare);
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
  nextReady(): PartitionFeed | undefined {
    return this.#turns.current();
  }

  /** One record of the partition whose turn it is, and the turn goes on. */
  take(feed: PartitionFeed): StoredRecord {
    const record = feed.take(this.#shareBytes());
    this.#turns.goOn(feed);
    if (feed.drained) this.#startReady();
    return record;
  }

  /** Has everything been taken, or has reading failed? Then nothing will be queued any more. */
  get over(): boolean {
    return (
      this.#turns.isEmpty &&
      (this.#error !== undefined || this.#abort.signal.aborted || (this.#unfinished === 0 && !this.#partitions.someWait))
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
    for (const feed of this.#partitions.all()) feed.discard();
    this.wake();
    await Promise.all(this.#reading);
  }

  deliver(partition: string, records: readonly StoredRecord[]): Promise<boolean> {
    const feed = this.#open(partition);
    if (feed === undefined) return Promise.resolve(false);
    const wasReady = feed.hasQueued;
    const accepted = feed.accept(records);
    if (accepted.length > 0) {
      if (channels.deliver.hasSubscribers) this.#report(feed, accepted);
      if (!wasReady) this.#turns.add(feed);
      this.wake();
    }
    this.#settle(feed);
    return feed.room(this.#shareBytes());
  }

  unreadable(partition: string, range: UnreadableRange): Promise<boolean> {
    return this.deliver(partition, [new UnreadableRecord(range)]);
  }

  advanced(partition: string, through: string): boolean {
    const feed = this.#open(partition);
    feed?.advance(through);
    return this.#settle(feed);
  }

  caughtUp(partition: string): boolean {
    const feed = this.#open(partition);
    feed?.caughtUp();
    return this.#settle(feed);
  }

  ended(partition: string, children: readonly ChildPartition[]): void {
    const feed = this.#open(partition);
    if (feed === undefined) return;
    if (this.#settings.takesNewPartitions) this.#partitions.join(children);
    feed.finish({ kind: "ended" });
    this.#settle(feed);
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
  #open(partition: string): PartitionFeed | undefined {
    const feed = this.#partitions.get(partition);
    return feed === undefined || feed.finished || this.#abort.signal.aborted ? undefined : feed;
  }

  /** After every change of a partition: is it done? @returns whether the driver goes on with it */
  #settle(feed: PartitionFeed | undefined): boolean {
    if (feed === undefined) return false;
    if (!feed.finished) return true;
    this.#unfinished -= 1;
    if (feed.drained) this.#startReady();
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
  async #read(feeds: readonly PartitionFeed[]): Promise<void> {
    try {
      await this.#settings.reader.read(
        feeds.map((feed) => feed.range),
        this,
        this.#abort.signal,
      );
      const unread = feeds.find((feed) => !feed.finished);
      if (unread !== undefined && !this.#abort.signal.aborted) {
        throw new StreamError("internal", "the adapter stopped reading before the end of the range", {
          partition: unread.source.partition,
        });
      }
    } catch (error) {
      // After an abort the rejection is the abort itself, or trouble on the way out that concerns nobody any more.
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
    for (const feed of this.#partitions.all()) feed.letGo(false);
  }

  /** Each partition has its part of the bound, so that a fast one cannot keep the others out. */
  #shareBytes(): number {
    return this.#settings.maxBufferedBytes / Math.max(1, this.#unfinished);
  }

  #report(feed: PartitionFeed, records: readonly StoredRecord[]): void {
    const { provider, topic, partition } = feed.source;
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
    channels.deliver.publish({ provider, topic, group: null, partition, messages: records.length, bytes });
  }
}
