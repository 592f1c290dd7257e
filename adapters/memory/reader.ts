import type {
  DriverGap,
  PartitionEnd,
  RangePartition,
  RangeRequest,
  ReaderDriver,
  ReaderSink,
  ResolvedRange,
  StopPoint,
} from "../../src/driver/index.ts";
import { LogFeed } from "./broker/feed.ts";
import { type Partition, childrenOf } from "./broker/partition.ts";
import { type ResolvedPlace, requirePartitions, resolvePlace, resolveStart } from "./broker/places.ts";
import { type Follower, follow } from "./follow.ts";
import { toPosition } from "./records.ts";
import type { Service } from "./service.ts";
import { identityOf, topicFor } from "./topic-access.ts";

/** Reads ranges of one topic. It reads the logs directly: it leaves nothing on the broker and does not affect groups. */
export class MemoryReader implements ReaderDriver {
  readonly #service: Service;
  readonly #topicName: string;
  readonly #closing = new AbortController();
  /** The partitions that existed when the range was resolved. */
  #known: ReadonlySet<string> | undefined;

  constructor(service: Service, topic: string) {
    this.#service = service;
    this.#topicName = topic;
  }

  async resolve({ from, until, partitions }: RangeRequest, signal: AbortSignal): Promise<ResolvedRange> {
    const { broker, profile } = this.#service;
    await this.#service.enter({ kind: "admin", operation: "resolve", topic: this.#topicName, partitions, bytes: 0 }, signal);
    const topic = topicFor(this.#service, this.#topicName);
    if (partitions !== null) requirePartitions(topic, partitions);
    if (until?.kind === "places") requirePartitions(topic, until.places.keys());
    const starts = resolveStart(topic, from);
    this.#known = new Set(topic.partitions.keys());
    const isWanted = (id: string): boolean => (partitions?.includes(id) ?? true) && (from.kind !== "position" || from.partition === id);
    const inRange = (id: string): boolean => starts.get(id) !== "ended" && isWanted(id);
    const range: RangePartition[] = [];
    for (const [id, start] of starts) {
      if (start === "ended" || !inRange(id)) continue;
      const partition = topic.partitions.get(id)!;
      const end = this.#endOf(partition, until, start.index);
      range.push({
        partition: id,
        start: { kind: "at", position: toPosition(start.index) },
        end: end.end,
        parents: partition.parents.map((parent) => parent.id).filter(inRange),
        gap: profile.capabilities.gapDetected ? gapOf(partition, start, end.index) : null,
      });
    }
    return { identity: identityOf(broker, topic, profile.capabilities), partitions: range };
  }

  /** Where reading stops, and its index, if the index is known beforehand. */
  #endOf(partition: Partition, until: StopPoint, start: number): { readonly end: PartitionEnd; readonly index: number } {
    const { log } = partition;
    const before = (index: number) => ({ end: { kind: "before", position: toPosition(index) } as const, index });
    if (until === null) return { end: null, index: Infinity };
    if (until.kind === "places") {
      const place = until.places.get(partition.id);
      if (place === undefined) return before(start);
      // An end after a message has its own kind, because the next message need not exist yet.
      if (place.kind === "after") {
        const { index } = resolvePlace(this.#topicName, partition, place);
        return { end: { kind: "through", position: place.position }, index };
      }
      return before(place.kind === "ended" ? log.endIndex : resolvePlace(this.#topicName, partition, place).index);
    }
    const { readerEnd } = this.#service.profile.capabilities;
    if (readerEnd === "position") {
      return before(until.kind === "now" ? log.endIndex : (log.findTimestamp(until.timestampMs) ?? log.endIndex));
    }
    const end: PartitionEnd = until.kind === "timestamp" ? until : { kind: readerEnd };
    return { end, index: Infinity };
  }

  async read(partitions: readonly RangePartition[], sink: ReaderSink, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const over = AbortSignal.any([signal, stop.signal, this.#closing.signal]);
    try {
      // The first failure ends the reading of the other partitions as well.
      const reading = Promise.all(partitions.map((range) => this.#readPartition(range, sink, over))).finally(() => stop.abort());
      await Promise.all([reading, this.#reportGrowth(sink, over)]);
    } catch (error) {
      if (!signal.aborted && !this.#closing.signal.aborted) throw error;
    }
  }

  /** Reports new partitions that are not children of a shard, until `signal` aborts. */
  async #reportGrowth(sink: ReaderSink, signal: AbortSignal): Promise<void> {
    const topic = topicFor(this.#service, this.#topicName);
    const known = new Set(this.#known ?? topic.partitions.keys());
    while (!signal.aborted) {
      const seen = topic.changed.version;
      const added = [...topic.partitions.values()].filter(({ id, parents }) => !known.has(id) && parents.length === 0);
      for (const { id } of added) known.add(id);
      if (added.length > 0) sink.appeared(added.map(({ id }) => ({ partition: id, parents: [] })));
      await topic.changed.wait(seen, signal);
    }
  }

  async #readPartition({ partition, start }: RangePartition, sink: ReaderSink, signal: AbortSignal): Promise<void> {
    const topic = topicFor(this.#service, this.#topicName);
    requirePartitions(topic, [partition]);
    const source = topic.partitions.get(partition)!;
    const { index } = resolvePlace(topic.name, source, start);
    const feed = new LogFeed(topic, source.log, index, this.#service.profile.capabilities.gapDetected);
    const follower = {
      deliver: (records) => sink.deliver(partition, records),
      unreadable: (range) => sink.unreadable(partition, range),
      caughtUp: () => sink.caughtUp(partition),
      advanced: (through) => sink.advanced(partition, through),
      gap: async (gap) => {
        await sink.gap(partition, gap);
        return true;
      },
      ended: () => sink.ended(partition, childrenOf(source)),
    } satisfies Follower;
    await follow(this.#service, topic, partition, feed, follower, signal);
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
}

/** The part of a range that retention has dropped. The missing messages are counted if the range says which they were. */
function gapOf({ log }: Partition, start: ResolvedPlace, end: number): DriverGap | null {
  const missing = Math.min(log.firstIndex, end) - start.index;
  if (missing <= 0 && !start.dropped) return null;
  return { resumesAt: { kind: "at", position: toPosition(log.firstIndex) }, missing: missing > 0 ? missing : null };
}
