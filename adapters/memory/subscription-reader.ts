import { followPartition, readerHandler } from "../../src/adapter-kit/index.ts";
import type {
  PartitionEnd,
  Place,
  RangePartition,
  RangeRequest,
  ReaderDriver,
  ReaderSink,
  ResolvedRange,
  StopPoint,
  StoredRecord,
} from "../../src/driver/index.ts";
import { KeyOrderFeed } from "./broker/key-order-feed.ts";
import { resolveMarked } from "./broker/marks.ts";
import type { MemoryTopic } from "./broker/topic.ts";
import { memoryError } from "./errors.ts";
import { FeedCursor } from "./feed-cursor.ts";
import type { Service } from "./service.ts";
import { identityOf, topicFor } from "./topic-access.ts";

/** What `resolve` has opened. */
interface Subscription {
  readonly topic: MemoryTopic;
  readonly feed: KeyOrderFeed;
}

/**
 * Reads a topic as through a subscription of its own, for the form of a provider that keeps only the order of each key: the broker keeps
 * what was read, record by record, and bookmarks are marks on the broker.
 */
export class SubscriptionReader implements ReaderDriver {
  readonly #service: Service;
  readonly #topicName: string;
  readonly #closing = new AbortController();
  #subscription: Subscription | undefined;

  constructor(service: Service, topic: string) {
    this.#service = service;
    this.#topicName = topic;
  }

  async resolve({ from, until }: RangeRequest, signal: AbortSignal): Promise<ResolvedRange> {
    const { broker, profile } = this.#service;
    await this.#service.enter({ kind: "admin", operation: "resolve", topic: this.#topicName, partitions: null, bytes: 0 }, signal);
    const topic = topicFor(this.#service, this.#topicName);
    const partition = topic.open[0]!;
    const { place, mark } = resolveMarked(topic, from);
    this.#subscription = { topic, feed: new KeyOrderFeed(topic, partition.log, mark) };
    const range: RangePartition = { partition: partition.id, start: place, end: endOf(until), parents: [], gap: null };
    return { identity: identityOf(broker, topic, profile.capabilities), partitions: [range] };
  }

  async read([range]: readonly RangePartition[], sink: ReaderSink, signal: AbortSignal): Promise<void> {
    const { topic, feed } = this.#opened;
    if (range === undefined) return;
    const { partition } = range;
    const cursor = new FeedCursor(this.#service, topic, partition, feed);
    const over = AbortSignal.any([signal, this.#closing.signal]);
    await followPartition(cursor, readerHandler(sink, partition), over);
  }

  handedOut(_partition: string, { position }: StoredRecord): void {
    const { topic, feed } = this.#opened;
    feed.add(topic.open[0]!.log.positions.from(position));
  }

  async mark(signal: AbortSignal): Promise<ReadonlyMap<string, Place>> {
    await this.#service.enter({ kind: "admin", operation: "mark", topic: this.#topicName, partitions: null, bytes: 0 }, signal);
    const { topic, feed } = this.#opened;
    const { bookmarkLifetimeMs } = this.#service.profile.capabilities;
    return new Map([[topic.open[0]!.id, topic.marks.add(feed.mark, bookmarkLifetimeMs)]]);
  }

  get #opened(): Subscription {
    if (this.#subscription === undefined) throw memoryError("internal", "the reader was used before its range was resolved");
    return this.#subscription;
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
}

function endOf(until: StopPoint): PartitionEnd {
  if (until === null) return null;
  if (until.kind === "now") return { kind: "quiet" };
  if (until.kind === "timestamp") return { kind: "stored-before", timestampMs: until.timestampMs };
  throw memoryError("unsupported", "this form of the provider cannot end a range at a place", { capability: "endAtBookmark" });
}
