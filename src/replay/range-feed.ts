import { channels } from "../diagnostics/channels.ts";
import type { ChildPartition, DriverGap } from "../driver/consumer-driver.ts";
import type { RangePartition, ReaderDriver, ReaderSink } from "../driver/reader-driver.ts";
import type { PartitionPlace, Place, StoredRecord } from "../driver/record.ts";
import { StreamError } from "../errors.ts";
import type { MessageSource } from "../message.ts";
import { PartitionFeed } from "./partition-feed.ts";

/** What a feed needs to know and whom it tells. */
export interface RangeFeedSettings {
  readonly reader: ReaderDriver;
  readonly compare: (a: string, b: string) => number;
  sourceOf(partition: string): MessageSource;
  readonly maxBufferedBytes: number;
  /** Shards that appear while reading belong to the range: it has no end and is not confined to named partitions. */
  readonly followsChildren: boolean;
  /** Resolves when the application accepts the gap. */
  gap(partition: string, gap: DriverGap): Promise<void>;
  /** Any error as ours. */
  toError(error: unknown): StreamError;
}

/** A partition with the place where reading really starts: behind a gap that was accepted. */
export interface StartedPartition {
  readonly range: RangePartition;
  readonly start: Place;
}

/**
 * All partitions of a range: starts each when its parents are done, holds what the driver delivers within bounds, and hands
 * it out in turns. An error ends the range behind what was delivered before it.
 */
export class RangeFeed implements ReaderSink {
  readonly #settings: RangeFeedSettings;
  readonly #feeds = new Map<string, PartitionFeed>();
  /** Finished before this range began; children do not wait for them. */
  readonly #endedBefore: ReadonlySet<string>;
  readonly #waiting = new Set<PartitionFeed>();
  readonly #reading = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  /** Those with queued records, in turn. */
  readonly #ready: PartitionFeed[] = [];
  #turn = 0;
  #unfinished = 0;
  #error: StreamError | undefined;
  #cut: StreamError | undefined;
  #notify: (() => void) | undefined;
  #started = false;

  constructor(settings: RangeFeedSettings, partitions: readonly StartedPartition[], endedBefore: ReadonlySet<string>) {
    this.#settings = settings;
    this.#endedBefore = endedBefore;
    for (const { range, start } of partitions) if (!endedBefore.has(range.partition)) this.#add(range, start);
  }

  /** Behind what was handed out, for every partition of the range. */
  places(): ReadonlyMap<string, PartitionPlace> {
    const places = new Map<string, PartitionPlace>();
    for (const partition of this.#endedBefore) places.set(partition, { kind: "ended" });
    for (const [partition, feed] of this.#feeds) places.set(partition, feed.place);
    return places;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#startReady();
  }

  /** The partition whose turn it is; `undefined`: nothing is queued. */
  nextReady(): PartitionFeed | undefined {
    if (this.#turn >= this.#ready.length) this.#turn = 0;
    return this.#ready[this.#turn];
  }

  /** One record of the partition whose turn it is, and the turn goes on. */
  take(feed: PartitionFeed): StoredRecord {
    const record = feed.take(this.#shareBytes());
    if (feed.hasQueued) this.#turn += 1;
    else {
      this.#ready.splice(this.#turn, 1);
      if (feed.finished) this.#startReady();
    }
    return record;
  }

  /** Has everything been taken, or has reading failed? Then nothing will be queued any more. */
  get over(): boolean {
    return (
      this.#ready.length === 0 &&
      (this.#error !== undefined || this.#abort.signal.aborted || (this.#unfinished === 0 && this.#waiting.size === 0))
    );
  }

  /** Why nothing follows; `undefined`: the range has been read, or was closed. */
  get error(): StreamError | undefined {
    return this.#error;
  }

  /** Resolves when something is queued, or nothing ever will be. One caller at a time. */
  changed(): Promise<void> {
    if (this.#ready.length > 0 || this.over) return Promise.resolve();
    return new Promise((resolve) => (this.#notify = resolve));
  }

  /** Ends a wait for `changed` before its time. */
  wake(): void {
    this.#notify?.();
    this.#notify = undefined;
  }

  /** Somebody else than the application closed it, so that what is not handed out is missing. */
  get cut(): StreamError | undefined {
    return this.#cut;
  }

  /**
   * Stops reading and forgets what is queued; resolves when the driver has stopped. Never rejects.
   * @param cut what a range that is not finished ends with; absent: it just ends
   */
  async close(cut?: StreamError): Promise<void> {
    this.#cut = cut;
    if (!this.over) this.#error ??= cut;
    this.#stop();
    this.#ready.length = 0;
    for (const feed of this.#feeds.values()) feed.discard();
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
      if (!wasReady) this.#ready.push(feed);
      this.wake();
    }
    this.#settle(feed);
    return feed.room(this.#shareBytes());
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
    if (this.#settings.followsChildren) {
      for (const child of children) {
        if (this.#feeds.has(child.partition) || this.#endedBefore.has(child.partition)) continue;
        const start: Place = { kind: "earliest" };
        this.#add({ partition: child.partition, start, end: null, parents: child.parents, gap: null }, start);
      }
    }
    feed.finish({ kind: "ended" });
    this.#settle(feed);
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

  #add(range: RangePartition, start: Place): void {
    const feed = new PartitionFeed(this.#settings.sourceOf(range.partition), range, start, this.#settings.compare);
    this.#feeds.set(range.partition, feed);
    this.#waiting.add(feed);
  }

  /** A partition of which more may come. */
  #open(partition: string): PartitionFeed | undefined {
    const feed = this.#feeds.get(partition);
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
    const starting: PartitionFeed[] = [];
    // Dropping an empty partition may set its children free, so it goes round until nothing changes.
    for (let free = this.#withoutWaitingParents(); free.length > 0; free = this.#withoutWaitingParents()) {
      for (const feed of free) this.#waiting.delete(feed);
      starting.push(...free.filter((feed) => !feed.finished));
    }
    if (starting.length === 0) return;
    this.#unfinished += starting.length;
    const reading: Promise<void> = this.#read(starting).finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
  }

  #withoutWaitingParents(): PartitionFeed[] {
    return [...this.#waiting].filter((feed) =>
      feed.parents.every((name) => {
        const parent = this.#feeds.get(name);
        return parent === undefined || (parent.drained && !this.#waiting.has(parent));
      }),
    );
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
    for (const feed of this.#feeds.values()) feed.letGo(false);
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
