import type { GetRecordsOutput, _Record } from "@aws-sdk/client-kinesis";
import { performance } from "node:perf_hooks";
import {
  type Fetched,
  type FetchedLater,
  type PartitionCursor,
  Portions,
  RetryBackoff,
  laterRecords,
  madeNow,
  retrying,
} from "../../../src/adapter-kit/index.ts";
import type { ChildPartition, DriverGap, Place } from "../../../src/driver/index.ts";
import { firstPosition, recordStart } from "../../../src/envelope/index.ts";
import { classify, isNamed, kinesisError } from "../errors.ts";
import { type HashRange, type RecordContent, comparePositions, contentOf, plainRecords } from "../records.ts";
import type { KinesisService } from "../service.ts";
import type { Shard } from "../streams/shard.ts";
import { PagePace } from "./page-pace.ts";
import { mayBeAggregate } from "./aggregated-record.ts";
import { type IteratorStart, ShardReads } from "./shard-reads.ts";

export interface ShardCursorRequest {
  readonly topic: string;
  readonly partition: string;
  readonly place: Place;
  /** Nothing was stored behind the place until then, by the service's clock; `null`: unknown. */
  readonly emptyUntilMs: number | null;
  /** About how many bytes one answer of `fetch` may have. */
  readonly portionBytes: number;
}

interface Page {
  readonly answer: GetRecordsOutput;
  readonly records: readonly _Record[];
  /** Of each record; `null`: they are messages as they are. */
  readonly contents: readonly RecordContent[] | null;
}

/** What is on its way to the shard when the service says that nothing is left. */
const ON_ITS_WAY_MS = 10_000;
/** If the next page is asked for so late, retention may have passed meanwhile. */
const IDLE_MS = 20;
/** Pauses after a throttled read: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html */
const THROTTLED_MS = { initialDelayMs: 200, maxDelayMs: 5_000 };
const WHOLE_RANGE: HashRange = { firstHash: 0n, lastHash: 2n ** 128n - 1n };

/**
 * Reads one shard. An iterator that begins at a position begins at the record of that position, which has been read already: another first record
 * shows that retention has removed it, and perhaps others behind it. So a gap is found by what is there, never by times.
 */
export class ShardCursor implements PartitionCursor {
  readonly #service: KinesisService;
  readonly #request: ShardCursorRequest;
  readonly #reads: ShardReads;
  readonly #pace: PagePace;
  readonly #backoff: RetryBackoff;
  readonly #openedMs = performance.now();
  /** What was read and not handed out yet. Records that need no look before are made when it is their turn, so that few live at a time. */
  #found: FetchedLater[] = [];
  /** Where the next page begins. */
  #place: Place;
  #emptyUntilMs: number | null;
  #iterator: string | null = null;
  /** The iterator begins at a position, and no answer has shown yet whether its record is there. */
  #isUnchecked = false;
  #incarnation: string | null = null;
  /** It never changes. */
  #range: HashRange | null = null;
  #answeredMs = Infinity;
  #isBehind = false;
  #lastArrivalMs = -Infinity;
  #warned = false;

  constructor(service: KinesisService, request: ShardCursorRequest) {
    this.#service = service;
    this.#request = request;
    this.#reads = new ShardReads(service, request.topic, request.partition);
    this.#pace = new PagePace(service.pollMs);
    this.#place = request.place;
    this.#emptyUntilMs = request.emptyUntilMs;
    const { report } = service;
    this.#backoff = new RetryBackoff({ report, topic: request.topic, classify: (error) => this.#classified(error), ...THROTTLED_MS });
  }

  #classified(thrown: unknown) {
    const error = classify(thrown);
    if (error.code === "throttled") this.#pace.throttled();
    return error;
  }

  async fetch(signal: AbortSignal): Promise<Fetched> {
    for (;;) {
      const next = this.#found.shift();
      if (next !== undefined) return madeNow(next);
      // While the reader had no room, retention may have gone on.
      if (this.#isBehind && performance.now() - this.#answeredMs > IDLE_MS && this.#place.kind === "after") this.#iterator = null;
      await this.#pace.wait(signal);
      await retrying("GetRecords", this.#backoff, signal, () => this.#read(signal));
      this.#backoff.reset();
      this.#answeredMs = performance.now();
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { connection, directory } = this.#service;
    this.#incarnation ??= (await directory.summary(this.#request.topic, signal)).identity.incarnation;
    const askedAtMs = connection.serviceNowMs;
    let page: Page;
    try {
      this.#iterator ??= await this.#begin(signal);
      page = await this.#page(this.#iterator, signal);
      // Bytes can be damaged on their way: what cannot be read is fetched once more.
      if (page.contents?.some(({ kind }) => kind === "unreadable")) page = await this.#page(this.#iterator, signal);
    } catch (error) {
      await this.#recover(error, signal);
      return;
    }
    await this.#take(page, askedAtMs, signal);
  }

  async #page(iterator: string, signal: AbortSignal): Promise<Page> {
    const { topic } = this.#request;
    const answer = await this.#reads.records(iterator, this.#pace.limit, signal);
    const records = answer.Records ?? [];
    const hasAggregates = records.some(({ Data }) => mayBeAggregate(Data));
    const envelope = this.#service.envelopeOf(topic);
    if (envelope === "raw" && !hasAggregates) return { answer, records, contents: null };
    const range = hasAggregates ? await this.#hashRange(signal) : WHOLE_RANGE;
    return { answer, records, contents: records.map((record) => contentOf(record, envelope, range)) };
  }

  async #begin(signal: AbortSignal): Promise<string> {
    if (await this.#isOlderThanRetention(signal)) {
      this.#found.push({ kind: "gap", gap: { resumesAt: { kind: "earliest" }, missing: null } });
      this.#place = { kind: "earliest" };
    }
    const start = startOf(this.#place);
    const iterator = await this.#reads.iterator(start, signal);
    this.#isUnchecked = "sequenceNumber" in start;
    return iterator;
  }

  /** @throws what a retry, or nobody, has to deal with */
  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (isNamed(error, "ExpiredIteratorException")) {
      this.#iterator = null;
      return;
    }
    if (!isNamed(error, "ResourceNotFoundException", "InvalidArgumentException")) throw error;
    const { directory } = this.#service;
    const { topic, partition } = this.#request;
    const { identity } = await directory.describe(topic, signal);
    if (identity.incarnation !== this.#incarnation) {
      const text = "the stream has been deleted and created again: what was read belongs to the former one";
      throw kinesisError("position-mismatch", text, { topic, partition, cause: error });
    }
    const shards = await directory.shards(topic, signal);
    if (!shards.some((shard) => shard.partition === partition)) {
      await this.#gone(shards, signal);
      return;
    }
    if (isNamed(error, "ResourceNotFoundException"))
      throw kinesisError("unavailable", "the service does not find the shard at present", { topic, partition, cause: error });
    if (this.#iterator !== null) {
      // An iterator of a former time.
      this.#iterator = null;
      throw kinesisError("unavailable", "the service does not accept the shard iterator", { topic, partition, cause: error });
    }
    throw kinesisError("position-out-of-range", "the service does not know this position in the shard", { topic, partition, cause: error });
  }

  /** Retention has removed the closed shard with everything in it. */
  async #gone(shards: readonly Shard[], signal: AbortSignal): Promise<void> {
    if (!(await this.#isQuiet(signal))) this.#found.push({ kind: "gap", gap: { resumesAt: { kind: "earliest" }, missing: null } });
    this.#found.push({ kind: "ended", children: childrenIn(shards, this.#request.partition) });
  }

  /** A time names no record that could be missing. It was within retention when it was resolved. */
  async #isOlderThanRetention(signal: AbortSignal): Promise<boolean> {
    if (this.#place.kind !== "timestamp") return false;
    const { retentionMs } = await this.#service.directory.summary(this.#request.topic, signal, this.#openedMs);
    const horizonMs = this.#service.connection.serviceNowMs - retentionMs;
    return Math.max(this.#place.timestampMs, this.#emptyUntilMs ?? 0) < horizonMs;
  }

  /** Was nothing stored behind the place that retention could have removed? */
  async #isQuiet(signal: AbortSignal): Promise<boolean> {
    if (this.#emptyUntilMs === null) return false;
    const { retentionMs } = await this.#service.directory.summary(this.#request.topic, signal, this.#openedMs);
    return this.#emptyUntilMs >= this.#service.connection.serviceNowMs - retentionMs;
  }

  async #take({ answer, records, contents }: Page, askedAtMs: number, signal: AbortSignal): Promise<void> {
    const { NextShardIterator: next, MillisBehindLatest: behindMs } = answer;
    const isEnded = next === undefined || next === null;
    const isCaughtUp = !isEnded && (behindMs === 0 || (behindMs === undefined && records.length === 0));
    const children = isEnded ? await this.#children(answer, signal) : [];
    if (this.#isUnchecked && (records.length > 0 || isEnded || isCaughtUp)) await this.#check(records[0], signal);
    // From here on nothing fails, so that a repeated attempt repeats nothing.
    if (contents === null) this.#addPlain(records);
    else this.#addContents(records, contents);
    const bytes = records.reduce((sum, record) => sum + bytesOf(record), 0);
    this.#pace.came(records.length, bytes, isCaughtUp);
    this.#iterator = next ?? null;
    this.#isBehind = !isCaughtUp;
    const last = records.at(-1);
    if (last !== undefined) {
      this.#place = { kind: "after", position: last.SequenceNumber! };
      this.#lastArrivalMs = last.ApproximateArrivalTimestamp?.getTime() ?? -Infinity;
      this.#emptyUntilMs = null;
    }
    if (isCaughtUp) this.#found.push({ kind: "caught-up", emptyUntilMs: this.#emptyUntil(askedAtMs) });
    if (isEnded) this.#found.push({ kind: "ended", children });
  }

  #emptyUntil(askedAtMs: number): number | null {
    const untilMs = Math.floor(askedAtMs - ON_ITS_WAY_MS);
    if (untilMs > this.#lastArrivalMs) this.#emptyUntilMs = untilMs;
    return this.#emptyUntilMs;
  }

  /** Is the record of the position the first one that was found? */
  async #check(first: _Record | undefined, signal: AbortSignal): Promise<void> {
    const place = this.#place;
    if (place.kind !== "at" && place.kind !== "after") return;
    const isThere = first?.SequenceNumber === recordStart(place).record;
    const gap: DriverGap | null =
      isThere || (await this.#isQuiet(signal))
        ? null
        : {
            resumesAt: first === undefined ? { kind: "earliest" } : { kind: "at", position: firstPosition(first.SequenceNumber!) },
            missing: null,
          };
    this.#isUnchecked = false;
    if (gap !== null) this.#found.push({ kind: "gap", gap });
  }

  async #children({ ChildShards }: GetRecordsOutput, signal: AbortSignal): Promise<readonly ChildPartition[]> {
    if (ChildShards !== undefined && ChildShards.length > 0) {
      return ChildShards.map(({ ShardId, ParentShards }) => ({ partition: ShardId!, parents: ParentShards ?? [this.#request.partition] }));
    }
    return childrenIn(await this.#service.directory.shards(this.#request.topic, signal), this.#request.partition);
  }

  async #hashRange(signal: AbortSignal): Promise<HashRange> {
    const { topic, partition: own } = this.#request;
    this.#range ??= (await this.#service.directory.shards(topic, signal)).find(({ partition }) => partition === own) ?? null;
    return this.#range ?? WHOLE_RANGE;
  }

  /** The first record may be the one at which the last page has ended. */
  #isNew(index: number, position: string): boolean {
    const place = this.#place;
    return index > 0 || (place.kind !== "at" && place.kind !== "after") || isBehind(position, place);
  }

  /** The library counts the only message of a record by an index too: with one, its checkpoint is behind that message. */
  #isNewMessage(index: number, position: string): boolean {
    const place = this.#place;
    const isCounted = index === 0 && place.kind === "after" && recordStart(place).record === position;
    return !isCounted && this.#isNew(index, position);
  }

  #addPlain(records: readonly _Record[]): void {
    const first = records.length > 0 && !this.#isNewMessage(0, records[0]!.SequenceNumber ?? "") ? 1 : 0;
    const page = {
      length: records.length,
      bytesOf: (index: number) => bytesOf(records[index]!),
      recordsOf: (from: number, to: number) => plainRecords(records.slice(from, to)),
    };
    this.#found.push(...laterRecords(page, first, this.#request.portionBytes));
  }

  #addContents(records: readonly _Record[], contents: readonly RecordContent[]): void {
    const portions = new Portions(this.#request.portionBytes);
    for (const [index, content] of contents.entries()) {
      const { SequenceNumber: position = "" } = records[index]!;
      if (content.kind === "unreadable") {
        if (this.#isNew(index, content.range.last)) portions.unreadable(content.range);
        continue;
      }
      if (content.isUnderOtherKey) this.#warnOfOtherKeys();
      portions.add(index > 0 ? content.messages : content.messages.filter((message) => this.#isNewMessage(index, message.position)));
      portions.through(position, content.messages.at(-1)?.position !== position);
    }
    this.#found.push(...portions.finish());
  }

  #warnOfOtherKeys(): void {
    const { report } = this.#service;
    if (this.#warned || !report.wants("warning")) return;
    this.#warned = true;
    const text =
      "records are stored under other keys than they were sent with; does the stream ignore partition keys (RecordDistributionStrategy AUTO)? They are handed on as they are";
    report({ kind: "warning", topic: this.#request.topic, text });
  }

  async close(): Promise<void> {}
}

function bytesOf({ Data, PartitionKey }: _Record): number {
  return (Data?.length ?? 0) + (PartitionKey?.length ?? 0);
}

function isBehind(position: string, place: { readonly kind: "at" | "after"; readonly position: string }): boolean {
  const order = comparePositions(position, place.position);
  return place.kind === "at" ? order >= 0 : order > 0;
}

function startOf(place: Place): IteratorStart {
  switch (place.kind) {
    case "earliest":
      return { type: "TRIM_HORIZON" };
    case "latest":
      return { type: "LATEST" };
    case "timestamp":
      return { type: "AT_TIMESTAMP", timestampMs: place.timestampMs };
    case "at":
    case "after":
      return { type: "AT_SEQUENCE_NUMBER", sequenceNumber: recordStart(place).record };
    case "mark":
      throw kinesisError("invalid-argument", "Kinesis keeps no marks");
  }
}

function childrenIn(shards: readonly Shard[], partition: string): readonly ChildPartition[] {
  return shards
    .filter(({ parents }) => parents.includes(partition))
    .map(({ partition: child, parents }) => ({ partition: child, parents }));
}
