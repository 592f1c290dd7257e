import { RetryBackoff, abortable, pause } from "../../../src/adapter-kit/index.ts";
import { performance } from "node:perf_hooks";
import { type StreamError, isStreamError } from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import type { FetchedPartition, KafkaClient } from "../client/kafka-client.ts";
import { classify, corruptBatch, kafkaError, partitionError, topicNotFound } from "../errors.ts";
import { FetchedBatches } from "../log/record-batch-reader.ts";
import { toPosition } from "../records.ts";
import type { KafkaService } from "../service.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { FetchCursor, type FetchHandler } from "./fetch-cursor.ts";
import type { HandledEpochs } from "./handled-epochs.ts";
import type { LogPlace } from "./read-epochs.ts";
import { type RetentionGap, retentionGap, truncated } from "./retention-gap.ts";
import { withholdsRecords } from "./single-fetch.ts";
import { lastUnreadable } from "./unreadable-extent.ts";
import { UnreadableOffsets } from "./unreadable-offsets.ts";

/** How long a server holds a request while it has no new records. */
const LONG_POLL_MS = 500;
/** The pause between fetches of partitions at their end while other partitions are being handled. A long poll would delay those. */
const SHORT_POLL_PAUSE_MS = 50;
const MAX_PARTITION_BYTES = 1_048_576;
const MIN_PARTITION_BYTES = 16_384;
const MAX_ANSWER_BYTES = 10 * 1_048_576;
/** A server can answer without the records that it has. After so many retries, in about four seconds, its log counts as damaged. */
const MAX_WITHHELD_ANSWERS = 8;
const NO_LEADER = -1;

/**
 * Fetches partitions of one topic from their leaders, for readers and for group members. Each broker has one Fetch request in flight
 * at a time, for all of its partitions that have room. Partitions can be added and removed while it runs.
 */
export class PartitionFetcher {
  readonly #service: KafkaService;
  /** It has its own connections. */
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

  /**
   * Starts to read a partition at a place.
   * @param handled what must still be in the log, because it was handled before
   */
  add(partition: number, place: LogPlace, handler: FetchHandler, handled: HandledEpochs | null = null): FetchCursor {
    const cursor = new FetchCursor(partition, place, handler, handled);
    this.#cursors.add(cursor);
    this.#changed();
    return cursor;
  }

  /** No more records of it are delivered. */
  remove(cursor: FetchCursor): void {
    cursor.finish();
    this.#cursors.delete(cursor);
    this.#changed();
  }

  #changed(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  /**
   * Runs until the signal aborts or, with `endsWhenEmpty`, until every cursor is done. Retries and reports retryable errors.
   * @throws an error that is not retryable
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

  /** Starts a loop for each broker that leads one of the partitions and has no loop yet. */
  #startLoops(signal: AbortSignal): void {
    for (const { partition } of this.#cursors) {
      const leader = this.#topic.leaderOf(partition);
      if (this.#loops.has(leader)) continue;
      const loop = this.#fetchLoop(leader, signal).then(
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

  async #fetchLoop(leader: number, signal: AbortSignal): Promise<void> {
    const backoff = new RetryBackoff({ report: this.#service.report, topic: this.#topic.topic, classify });
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
        const hasNewRecords = await this.#fetch(leader, ready, mayWait ? LONG_POLL_MS : 0, signal);
        backoff.reset();
        if (!hasNewRecords && !mayWait && ready.length < own.length) {
          await pause(SHORT_POLL_PAUSE_MS, AbortSignal.any([signal, woken]));
        }
      } catch (error) {
        if (signal.aborted) return;
        await backoff.failed("Fetch", error, signal);
        await this.#refreshTopic(signal);
      }
    }
  }

  /** Looks up the present leaders. @throws `not-found` if the topic was deleted, or deleted and created again */
  async #refreshTopic(signal: AbortSignal): Promise<void> {
    let now: TopicSnapshot;
    try {
      now = await this.#service.directory.fetch(this.#topic.topic, signal);
    } catch (error) {
      // A failed look-up does not end the reading: the next fetch fails as well and backs off.
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

  /** One portion of each partition may wait for its delivery. All of them together are about as large as one answer. */
  get #partitionBytes(): number {
    const share = Math.floor(this.#maxAnswerBytes / Math.max(1, this.#cursors.size));
    return Math.min(MAX_PARTITION_BYTES, Math.max(MIN_PARTITION_BYTES, share));
  }

  /** @returns whether a partition had new records */
  async #fetch(leader: number, ready: readonly FetchCursor[], maxWaitMs: number, signal: AbortSignal): Promise<boolean> {
    const { topic, topicId } = this.#topic;
    const woken = this.#wake.signal;
    const maxBytes = this.#partitionBytes;
    const partitions = ready.map(({ partition, offset, epochs, suspect }) => {
      // The batch after an unreadable batch shows where the unreadable one ends.
      const more = suspect?.byteLength ?? 0;
      return { partition, fetchOffset: offset, lastFetchedEpoch: epochs.placeAt(offset).leaderEpoch, maxBytes: maxBytes + more };
    });
    const request = { topic, topicId, maxWaitMs, minBytes: 1, maxBytes: this.#maxAnswerBytes, readCommitted: true, partitions };
    const answer = await abortable(this.#client.fetch(leader, request, signal), signal);
    let hasNewRecords = woken.aborted;
    const asked = new Map(ready.map((cursor) => [cursor.partition, cursor]));
    for (const fetched of answer) {
      const cursor = asked.get(fetched.partition);
      // The partition may have been removed meanwhile, or removed and added again with another cursor.
      if (cursor === undefined || !this.#cursors.has(cursor)) continue;
      // A server returns at least one batch of the first partition in a request, even if it is larger than the limit.
      const isWithheld = cursor === ready[0] && withholdsRecords(fetched, cursor.offset);
      cursor.answered(isWithheld);
      if (fetched.errorCode === ErrorNumber.CORRUPT_MESSAGE || cursor.withheldAnswers > MAX_WITHHELD_ANSWERS) {
        const { offset } = cursor;
        const cause = corruptBatch("the server cannot read its own log there");
        this.#handleUnreadable(cursor, new UnreadableOffsets(offset, offset, 0, cause), signal, () => this.#lastUnreadable(cursor, signal));
        continue;
      }
      if (isWithheld || fetched.errorCode !== 0 || fetched.divergingEpoch !== null) {
        this.#suspendDuring(cursor, signal, () => this.#recover(cursor, leader, fetched, signal));
        continue;
      }
      cursor.succeeded();
      if (await this.#takeNext(cursor, new FetchedBatches(fetched), signal)) hasNewRecords = true;
    }
    return hasNewRecords;
  }

  /** @returns whether there were new records */
  async #takeNext(cursor: FetchCursor, batches: FetchedBatches, signal: AbortSignal): Promise<boolean> {
    const from = cursor.offset;
    const read = await batches.read(from, this.#partitionBytes).catch((error: unknown) => {
      if (error instanceof UnreadableOffsets) return error;
      throw error;
    });
    if (read instanceof UnreadableOffsets) {
      this.#handleUnreadable(cursor, read, signal, async () => read.last);
      return true;
    }
    const { records, nextOffset, epochs } = read;
    const isAtEnd = nextOffset >= batches.lastStableOffset;
    cursor.keepUnread(batches);
    if (nextOffset === from) {
      if (isAtEnd && !cursor.reportCaughtUp()) this.remove(cursor);
      return false;
    }
    cursor.advanceTo(nextOffset, epochs);
    // Partitions without new records come first in the next request, so that one full partition does not starve the others.
    this.#cursors.delete(cursor);
    this.#cursors.add(cursor);
    const through = toPosition(nextOffset - 1n);
    cursor.push({ records, through: records.at(-1)?.position === through ? null : through, isAtEnd }, (isDone) => {
      if (isDone) this.remove(cursor);
      else this.#changed();
    });
    return true;
  }

  /**
   * Fetches unreadable offsets once more, since bytes can be damaged on their way. If they are unreadable again, the handler receives
   * them after all earlier records, and the reading continues after them.
   * @param findLast finds the last unreadable offset
   */
  #handleUnreadable(cursor: FetchCursor, unreadable: UnreadableOffsets, signal: AbortSignal, findLast: () => Promise<bigint>): void {
    if (cursor.failedToRead(unreadable)) {
      this.#suspendDuring(cursor, signal, () => this.#skipUnreadable(cursor, unreadable, findLast));
      return;
    }
    const { report } = this.#service;
    if (!report.wants("retry")) return;
    report({ kind: "retry", operation: "Fetch", topic: this.#topic.topic, error: classify(unreadable.cause), delayMs: 0 });
  }

  async #skipUnreadable(
    cursor: FetchCursor,
    { first, byteLength, cause }: UnreadableOffsets,
    findLast: () => Promise<bigint>,
  ): Promise<void> {
    const unreadable = new UnreadableOffsets(first, await findLast(), byteLength, cause);
    await cursor.delivered;
    if (cursor.isDone) return;
    cursor.cannotCompare(unreadable);
    if (await cursor.handler.unreadable(unreadable.toRange(cursor.partition))) cursor.skipUnreadable(unreadable);
    else this.remove(cursor);
  }

  #lastUnreadable({ partition, offset }: FetchCursor, signal: AbortSignal): Promise<bigint> {
    const topic = (): TopicSnapshot => this.#topic;
    const unreadable = { partition, first: offset, topic, refreshTopic: () => this.#refreshTopic(signal) };
    return lastUnreadable(this.#client, this.#service.report, unreadable, signal);
  }

  /** Only this partition waits for the work. The other partitions of its broker are still fetched. */
  #suspendDuring(cursor: FetchCursor, signal: AbortSignal, work: () => Promise<void>): void {
    cursor.suspend();
    const recovery: Promise<void> = abortable(work(), signal)
      .catch((error: unknown) => {
        if (!signal.aborted && !cursor.isDone) this.#failure ??= { error };
      })
      .finally(() => {
        this.#recoveries.delete(recovery);
        cursor.resume();
        this.#changed();
      });
    this.#recoveries.add(recovery);
  }

  /** Resolves when the partition may be fetched again. @throws an error that ends the reading of all partitions */
  async #recover(cursor: FetchCursor, leader: number, fetched: FetchedPartition, signal: AbortSignal): Promise<void> {
    const { errorCode, divergingEpoch } = fetched;
    const { topic } = this.#topic;
    const { partition, offset, isForeign } = cursor;
    const failedAtMs = performance.now();
    let gap: RetentionGap;
    try {
      if (errorCode === 0 && divergingEpoch !== null) throw truncated({ topic, partition, offset }, divergingEpoch.endOffset);
      if (withholdsRecords(fetched, offset)) throw recordsWithheld(topic, partition);
      if (errorCode !== ErrorNumber.OFFSET_OUT_OF_RANGE) throw partitionError(errorCode, "Fetch", topic, partition);
      gap = await retentionGap(this.#client, leader, { topic, partition, offset, isForeign }, signal);
    } catch (error) {
      const hasFailedBefore = cursor.hasFailed;
      await cursor.backoff(this.#service.report, topic).failed("Fetch", error, signal);
      // The offset is in the log, but the leader has refused it twice: it does not know the epoch that the request names. The reading
      // continues without the epoch. (If the leader knows that the log diverged, it reports that, and the reading ends.)
      if (hasFailedBefore && isStreamError(error, "position-out-of-range")) cursor.restartAt(offset);
      // Another partition may have refreshed the topic meanwhile.
      if (this.#refreshedAtMs < failedAtMs) await this.#refreshTopic(signal);
      return;
    }
    await cursor.delivered;
    if (cursor.isDone) return;
    cursor.restartAt(gap.resumesAt);
    if (!(await cursor.handler.gap(gap))) this.remove(cursor);
  }
}

function recordsWithheld(topic: string, partition: number): StreamError {
  const text = "the server returns none of the records that it has stored in a partition";
  return kafkaError("unavailable", text, { topic, partition: String(partition) });
}
