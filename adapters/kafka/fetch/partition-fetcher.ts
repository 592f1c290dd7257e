import { performance } from "node:perf_hooks";
import { type DriverGap, type StreamError, isStreamError } from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { type FetchedPartition, type KafkaClient, LATEST } from "../client/kafka-client.ts";
import { RetryBackoff, retrying } from "../client/retry-backoff.ts";
import { abortable, pause } from "../client/waiting.ts";
import { classify, corruptBatch, kafkaError, partitionError, topicNotFound } from "../errors.ts";
import { FetchedBatches } from "../log/record-batch-reader.ts";
import { toOffset, toPosition } from "../records.ts";
import type { KafkaService } from "../service.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { FetchCursor, type FetchHandler } from "./fetch-cursor.ts";
import { OffsetLookup } from "./offset-lookup.ts";
import { type LogPlace, UNKNOWN_EPOCH } from "./read-epochs.ts";
import { retentionGap, truncated } from "./retention-gap.ts";
import { UnreadableOffsets } from "./unreadable-offsets.ts";

/** How long a server holds a request that it has nothing for. */
const LONG_POLL_MS = 500;
/** How often partitions at their end are asked while others are handled: a long poll would hold those up. */
const SHORT_POLL_PAUSE_MS = 50;
const MAX_PARTITION_BYTES = 1_048_576;
const LEAST_PARTITION_BYTES = 16_384;
const MAX_ANSWER_BYTES = 10 * 1_048_576;
/** So often, within some four seconds, a server that hands out nothing of what it has is asked again before it counts as damaged. */
const MOST_WITHHELD = 8;
const UNKNOWN_SERVER_ERROR = -1;
const NO_LEADER = -1;

/**
 * Reads partitions of one topic from their leaders, without a group: one Fetch request a broker at a time, with all
 * partitions that have room. The loop of readers and of members alike. Cursors come and go while it runs.
 */
export class PartitionFetcher {
  readonly #service: KafkaService;
  /** With connections of its own. */
  readonly #client: KafkaClient;
  readonly #cursors = new Set<FetchCursor>();
  readonly #loops = new Map<number, Promise<void>>();
  readonly #maxAnswerBytes: number;
  #topic: TopicSnapshot;
  #wake = new AbortController();
  #refreshedAtMs = 0;
  readonly #recoveries = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(service: KafkaService, client: KafkaClient, topic: TopicSnapshot, maxAnswerBytes = MAX_ANSWER_BYTES) {
    this.#service = service;
    this.#client = client;
    this.#topic = topic;
    this.#maxAnswerBytes = Math.min(maxAnswerBytes, MAX_ANSWER_BYTES);
  }

  /** Begins to read a partition at a place. */
  add(partition: number, place: LogPlace, handler: FetchHandler): FetchCursor {
    const cursor = new FetchCursor(partition, place, handler);
    this.#cursors.add(cursor);
    this.#changed();
    return cursor;
  }

  /** Nothing more is handed out of it. */
  remove(cursor: FetchCursor): void {
    cursor.isDone = true;
    this.#cursors.delete(cursor);
    this.#changed();
  }

  #changed(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  /**
   * Runs until the signal aborts or, with `endsWhenEmpty`, until every cursor is done. What can be retried is retried, and
   * reported. @throws what cannot
   */
  async run(signal: AbortSignal, endsWhenEmpty: boolean): Promise<void> {
    const stop = new AbortController();
    const over = AbortSignal.any([signal, stop.signal]);
    try {
      while (!over.aborted && this.#failure === undefined && !(endsWhenEmpty && this.#cursors.size === 0)) {
        const { signal: woken } = this.#wake;
        this.#startLoops(over);
        await pause(LONG_POLL_MS * 20, AbortSignal.any([over, woken]));
      }
      if (this.#failure !== undefined) throw this.#failure.error;
    } finally {
      stop.abort();
      await Promise.all([...this.#loops.values(), ...this.#recoveries]);
    }
  }

  /** A loop for every broker that leads one of the partitions. */
  #startLoops(signal: AbortSignal): void {
    for (const { partition } of this.#cursors) {
      const leader = this.#topic.leaderOf(partition);
      if (this.#loops.has(leader)) continue;
      const loop = this.#follow(leader, signal).then(
        () => this.#loopEnded(leader),
        (error: unknown) => {
          if (!signal.aborted) this.#failure ??= { error };
          this.#loopEnded(leader);
        },
      );
      this.#loops.set(leader, loop);
    }
  }

  #loopEnded(leader: number): void {
    this.#loops.delete(leader);
    this.#changed();
  }

  async #follow(leader: number, signal: AbortSignal): Promise<void> {
    const backoff = new RetryBackoff(this.#service.report, this.#topic.topic);
    for (;;) {
      if (signal.aborted) return;
      const { signal: woken } = this.#wake;
      const own = [...this.#cursors].filter(({ partition }) => this.#topic.leaderOf(partition) === leader);
      if (own.length === 0) return;
      for (const cursor of own) if (cursor.hasRoom && cursor.unread !== null) await this.#takeNext(cursor, cursor.unread, signal);
      const ready = own.filter((cursor) => cursor.hasRoom && cursor.unread === null);
      if (ready.length === 0) {
        await pause(LONG_POLL_MS * 20, AbortSignal.any([signal, woken]));
        continue;
      }
      try {
        if (leader === NO_LEADER) throw kafkaError("unavailable", "a partition has no leader at present", { topic: this.#topic.topic });
        const mayWait = ready.length === own.length && ready.every((cursor) => cursor.wasAnswered);
        const gotSomething = await this.#fetch(leader, ready, mayWait ? LONG_POLL_MS : 0, signal);
        backoff.reset();
        if (!gotSomething && !mayWait && ready.length < own.length) {
          await pause(SHORT_POLL_PAUSE_MS, AbortSignal.any([signal, woken]));
        }
      } catch (error) {
        if (signal.aborted) return;
        await backoff.failed("Fetch", error, signal);
        await this.#refreshTopic(signal);
      }
    }
  }

  /** Who leads the partitions now; a topic of the same name that is another one ends the reading. */
  async #refreshTopic(signal: AbortSignal): Promise<void> {
    let now: TopicSnapshot;
    try {
      now = await this.#service.directory.fetch(this.#topic.topic, signal);
    } catch (error) {
      // That it cannot be asked now is no reason to stop: the next attempt fails, and is paced, by itself.
      if (signal.aborted || !(error instanceof Error) || !("code" in error) || error.code !== "not-found") return;
      throw error;
    }
    if (now.topicId !== this.#topic.topicId) {
      throw topicNotFound(this.#topic.topic, new Error("the topic has been deleted, and another of the same name created"));
    }
    this.#topic = now;
    this.#refreshedAtMs = performance.now();
    this.#changed();
  }

  /** One portion of each partition may wait for its turn: together they hold about as much as one answer may. */
  get #partitionBytes(): number {
    const share = Math.floor(this.#maxAnswerBytes / Math.max(1, this.#cursors.size));
    return Math.min(MAX_PARTITION_BYTES, Math.max(LEAST_PARTITION_BYTES, share));
  }

  /** @returns whether any partition had something new */
  async #fetch(leader: number, ready: readonly FetchCursor[], maxWaitMs: number, signal: AbortSignal): Promise<boolean> {
    const { topic, topicId } = this.#topic;
    const woken = this.#wake.signal;
    const maxBytes = this.#partitionBytes;
    const partitions = ready.map(({ partition, offset, epochs, suspect }) => {
      // What follows a batch that cannot be read tells where it ends.
      const more = suspect?.byteLength ?? 0;
      return { partition, fetchOffset: offset, lastFetchedEpoch: epochs.placeAt(offset).leaderEpoch, maxBytes: maxBytes + more };
    });
    const request = { topic, topicId, maxWaitMs, minBytes: 1, maxBytes: this.#maxAnswerBytes, readCommitted: true, partitions };
    const answer = await abortable(this.#client.fetch(leader, request, signal), signal);
    let gotSomething = woken.aborted;
    const asked = new Map(ready.map((cursor) => [cursor.partition, cursor]));
    for (const fetched of answer) {
      const cursor = asked.get(fetched.partition);
      // It may have been taken away meanwhile, and given again as another one.
      if (cursor === undefined || !this.#cursors.has(cursor)) continue;
      cursor.wasAnswered = true;
      // Of the partition that comes first in a request there is one batch at least, however large it is.
      const isWithheld = cursor === ready[0] && hasNothingOf(fetched, cursor.offset);
      cursor.withheld = isWithheld ? cursor.withheld + 1 : 0;
      if (fetched.errorCode === ErrorNumber.CORRUPT_MESSAGE || cursor.withheld > MOST_WITHHELD) {
        const { offset } = cursor;
        const cause = corruptBatch("the server cannot read its own log there");
        this.#meet(cursor, new UnreadableOffsets(offset, offset, 0, cause), signal, () => this.#lastUnreadable(cursor, leader, signal));
        continue;
      }
      if (isWithheld || fetched.errorCode !== 0 || fetched.divergingEpoch !== null) {
        this.#suspend(cursor, leader, fetched, signal);
        continue;
      }
      cursor.backoff = undefined;
      if (await this.#takeNext(cursor, new FetchedBatches(fetched), signal)) gotSomething = true;
    }
    return gotSomething;
  }

  /** @returns whether there was anything new */
  async #takeNext(cursor: FetchCursor, batches: FetchedBatches, signal: AbortSignal): Promise<boolean> {
    const from = cursor.offset;
    const read = await batches.read(from, this.#partitionBytes).catch((error: unknown) => {
      if (error instanceof UnreadableOffsets) return error;
      throw error;
    });
    if (read instanceof UnreadableOffsets) {
      this.#meet(cursor, read, signal, async () => read.last);
      return true;
    }
    const { records, nextOffset, epochs } = read;
    const isAtEnd = nextOffset >= batches.lastStableOffset;
    cursor.unread = batches.hasMore ? batches : null;
    if (nextOffset === from) {
      if (isAtEnd) this.#settleIfDone(cursor, cursor.reportCaughtUp());
      return false;
    }
    cursor.suspect = null;
    cursor.offset = nextOffset;
    cursor.epochs.read(epochs);
    // Whoever got nothing new goes first in the next request, so that one full partition starves no other.
    this.#cursors.delete(cursor);
    this.#cursors.add(cursor);
    const through = toPosition(nextOffset - 1n);
    cursor.push({ records, through: records.at(-1)?.position === through ? null : through, isAtEnd }, (isDone) => {
      if (isDone) this.remove(cursor);
      else this.#changed();
    });
    return true;
  }

  #settleIfDone(cursor: FetchCursor, goesOn: boolean): void {
    if (!goesOn) this.remove(cursor);
  }

  /**
   * Fetches it once more: bytes can be damaged on their way. What cannot be read then either is told behind all that came before it,
   * and the reading goes on behind it.
   * @param findLast how far it goes
   */
  #meet(cursor: FetchCursor, unreadable: UnreadableOffsets, signal: AbortSignal, findLast: () => Promise<bigint>): void {
    cursor.unread = null;
    if (cursor.suspect?.first === unreadable.first) {
      this.#setAside(cursor, signal, () => this.#pass(cursor, unreadable, findLast));
      return;
    }
    cursor.suspect = unreadable;
    const { report } = this.#service;
    if (!report.wants("retry")) return;
    report({ kind: "retry", operation: "Fetch", topic: this.#topic.topic, error: classify(unreadable.cause), delayMs: 0 });
  }

  async #pass(cursor: FetchCursor, { first, byteLength, cause }: UnreadableOffsets, findLast: () => Promise<bigint>): Promise<void> {
    const unreadable = new UnreadableOffsets(first, await findLast(), byteLength, cause);
    await cursor.delivered;
    if (cursor.isDone) return;
    if (await cursor.handler.unreadable(unreadable.toRange(cursor.partition))) cursor.pass(unreadable);
    else this.remove(cursor);
  }

  /**
   * Where a server cannot read its own log it does not say how far that goes: offset after offset is asked for, up to the first
   * that it can read, so that nothing readable is given up.
   */
  async #lastUnreadable({ partition, offset }: FetchCursor, leader: number, signal: AbortSignal): Promise<bigint> {
    const { topic, topicId } = this.#topic;
    const backoff = new RetryBackoff(this.#service.report, topic);
    const lookup = new OffsetLookup(this.#client);
    const end = await retrying("ListOffsets", backoff, signal, async () => {
      const known = await this.#service.directory.fetch(topic, signal);
      return (await lookup.list(known, new Map([[partition, LATEST]]), signal)).get(partition)!;
    });
    let last = offset;
    while (last + 1n < end) {
      const fetchOffset = last + 1n;
      const asked = [{ partition, fetchOffset, lastFetchedEpoch: UNKNOWN_EPOCH, maxBytes: 1 }];
      const request = { topic, topicId, maxWaitMs: 0, minBytes: 1, maxBytes: 1, readCommitted: true, partitions: asked };
      const isReadable = await retrying("Fetch", backoff, signal, async () => {
        const [answer] = await this.#client.fetch(leader, request, signal);
        const errorCode = answer?.errorCode ?? UNKNOWN_SERVER_ERROR;
        if (errorCode === 0) return !hasNothingOf(answer!, fetchOffset);
        if (errorCode === ErrorNumber.CORRUPT_MESSAGE) return false;
        throw partitionError(errorCode, "Fetch", topic, partition);
      });
      if (isReadable) break;
      last = fetchOffset;
    }
    return last;
  }

  /** Only this partition waits for whatever is wrong with it; the others of its broker go on. */
  #suspend(cursor: FetchCursor, leader: number, fetched: FetchedPartition, signal: AbortSignal): void {
    this.#setAside(cursor, signal, () => this.#recover(cursor, leader, fetched, signal));
  }

  #setAside(cursor: FetchCursor, signal: AbortSignal, work: () => Promise<void>): void {
    cursor.isBusy = true;
    const recovery: Promise<void> = abortable(work(), signal)
      .catch((error: unknown) => {
        if (!signal.aborted && !cursor.isDone) this.#failure ??= { error };
      })
      .finally(() => {
        this.#recoveries.delete(recovery);
        cursor.isBusy = false;
        this.#changed();
      });
    this.#recoveries.add(recovery);
  }

  /** Resolves when the partition may be asked for again. @throws what ends all partitions */
  async #recover(cursor: FetchCursor, leader: number, fetched: FetchedPartition, signal: AbortSignal): Promise<void> {
    const { errorCode, divergingEpoch } = fetched;
    const { topic } = this.#topic;
    const { partition, offset, isForeign } = cursor;
    const failedAtMs = performance.now();
    let gap: DriverGap;
    try {
      if (errorCode === 0 && divergingEpoch !== null) throw truncated({ topic, partition, offset }, divergingEpoch.endOffset);
      if (hasNothingOf(fetched, offset)) throw withheld(topic, partition);
      if (errorCode !== ErrorNumber.OFFSET_OUT_OF_RANGE) throw partitionError(errorCode, "Fetch", topic, partition);
      gap = await retentionGap(this.#client, leader, { topic, partition, offset, isForeign }, signal);
    } catch (error) {
      const hasFailedBefore = cursor.backoff !== undefined;
      cursor.backoff ??= new RetryBackoff(this.#service.report, topic);
      await cursor.backoff.failed("Fetch", error, signal);
      // In its log, and refused again: it cannot tell anything of the epoch that we name. It says so where it can, and that ends the reading.
      if (hasFailedBefore && isStreamError(error, "position-out-of-range")) cursor.skipTo(offset);
      // Another partition may have asked meanwhile.
      if (this.#refreshedAtMs < failedAtMs) await this.#refreshTopic(signal);
      return;
    }
    await cursor.delivered;
    if (cursor.isDone) return;
    cursor.skipTo(toOffset(gap.resumesAt));
    if (!(await cursor.handler.gap(gap))) this.remove(cursor);
  }
}

/** It has what is stored at this offset, and an answer without anything of it. */
function hasNothingOf({ errorCode, divergingEpoch, batches, lastStableOffset }: FetchedPartition, offset: bigint): boolean {
  return errorCode === 0 && divergingEpoch === null && batches.length === 0 && offset < lastStableOffset;
}

function withheld(topic: string, partition: number): StreamError {
  const text = "the server hands out nothing of what it has stored in a partition";
  return kafkaError("unavailable", text, { topic, partition: String(partition) });
}
