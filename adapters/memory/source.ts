import type { CursorRequest, PartitionCursor, PartitionSource, SourceRange, TopicShape } from "../../src/adapter-kit/index.ts";
import type { DriverGap, PartitionEnd, PartitionPlace, StartPoint } from "../../src/driver/index.ts";
import { LogFeed } from "./broker/feed.ts";
import { type Partition, asChild } from "./broker/partition.ts";
import { type ResolvedPlace, requirePartitions, resolvePlace, resolveStart } from "./broker/places.ts";
import { FeedCursor } from "./feed-cursor.ts";
import { comparePositions, toIndex, toPosition } from "./records.ts";
import type { Service } from "./service.ts";
import { identityOf, topicFor } from "./topic-access.ts";

/** The logs of one topic, read directly: nothing is left on the broker. */
export class MemorySource implements PartitionSource {
  readonly #service: Service;
  readonly #topicName: string;
  readonly #lists: "kept" | "all";

  /**
   * @param lists `kept`: as a service does, without the closed shards that retention has removed. `all`: also those, for readers of ranges
   *   that begin in them and have a gap
   */
  constructor(service: Service, topic: string, lists: "kept" | "all") {
    this.#service = service;
    this.#topicName = topic;
    this.#lists = lists;
  }

  async describe(): Promise<TopicShape> {
    const { broker, profile } = this.#service;
    const topic = topicFor(this.#service, this.#topicName);
    const partitions = this.#lists === "kept" ? topic.kept : [...topic.partitions.values()];
    return { identity: identityOf(broker, topic, profile.capabilities), partitions: partitions.map(asChild) };
  }

  async resolve(start: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    await this.#service.enter({ kind: "admin", operation: "resolve", topic: this.#topicName, partitions: null, bytes: 0 }, signal);
    const starts = resolveStart(topicFor(this.#service, this.#topicName), start);
    return new Map(
      [...starts].map(([partition, place]) => [
        partition,
        place === "ended" ? { kind: "ended" } : { kind: "at", position: toPosition(place.index) },
      ]),
    );
  }

  async gaps(ranges: readonly SourceRange[]): Promise<ReadonlyMap<string, DriverGap>> {
    const topic = topicFor(this.#service, this.#topicName);
    const gaps = new Map<string, DriverGap>();
    if (!this.#service.profile.capabilities.gapDetected) return gaps;
    for (const { partition, asked, end } of ranges) {
      const source = topic.partitions.get(partition);
      if (source === undefined || asked.kind === "ended") continue;
      const gap = gapOf(source, resolvePlace(topic.name, source, asked), endIndex(end));
      if (gap !== null) gaps.set(partition, gap);
    }
    return gaps;
  }

  open({ partition, place }: CursorRequest): PartitionCursor {
    const topic = topicFor(this.#service, this.#topicName);
    requirePartitions(topic, [partition]);
    const source = topic.partitions.get(partition)!;
    const { index } = resolvePlace(topic.name, source, place);
    const feed = new LogFeed(topic, source.log, index, this.#service.profile.capabilities.gapDetected);
    return new FeedCursor(this.#service, topic, partition, feed);
  }

  compare(a: string, b: string): number {
    return comparePositions(a, b);
  }
}

/** The first index behind a range, if it is known. */
function endIndex(end: PartitionEnd): number {
  if (end?.kind === "before") return toIndex(end.position);
  return end?.kind === "through" ? toIndex(end.position) + 1 : Infinity;
}

/** The part of a range that retention has dropped. The missing messages are counted if the range says which they were. */
function gapOf({ log }: Partition, start: ResolvedPlace, end: number): DriverGap | null {
  const missing = Math.min(log.firstIndex, end) - start.index;
  if (missing <= 0 && !start.dropped) return null;
  return { resumesAt: { kind: "at", position: toPosition(log.firstIndex) }, missing: missing > 0 ? missing : null };
}
