import type { CursorRequest, PartitionCursor, PartitionSource, SourceRange, TopicShape } from "../../src/adapter-kit/index.ts";
import type { DriverGap, PartitionEnd, PartitionPlace, StartPoint } from "../../src/driver/index.ts";
import { LogFeed, gapUpTo } from "./broker/feed.ts";
import type { Log } from "./broker/log.ts";
import { type Partition, asChild } from "./broker/partition.ts";
import { type ResolvedPlace, requirePartitions, resolvePlace, resolveStart } from "./broker/places.ts";
import { comparePositions } from "./broker/positions.ts";
import type { MemoryTopic } from "./broker/topic.ts";
import { memoryError } from "./errors.ts";
import { FeedCursor } from "./feed-cursor.ts";
import type { Service } from "./service.ts";
import { identityOf, topicFor } from "./topic-access.ts";

/** How old the newest message may be that tells where the end of a log is. */
const LOOK_BACK_MS = 2_000;

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
    const topic = topicFor(this.#service, this.#topicName);
    const starts = resolveStart(topic, start);
    if (this.#lists === "kept") requireKept(topic, starts);
    return new Map([...starts].map(([partition, place]) => [partition, this.#placeIn(topic.partitions.get(partition)!, place)]));
  }

  #placeIn({ log }: Partition, resolved: ResolvedPlace | "ended"): PartitionPlace {
    const { places, capabilities } = this.#service.profile;
    if (resolved === "ended") return { kind: "ended" };
    if (places === "positions") return placeByPosition(log, resolved);
    if (resolved.place.kind === "latest")
      return capabilities.readerEnd === "position" ? placeByPosition(log, resolved) : endByLookingBack(log);
    // Whoever asks for a time that retention has passed begins at the beginning. What retention drops later is a gap.
    return resolved.dropped ? { kind: "earliest" } : resolved.place;
  }

  async gaps(ranges: readonly SourceRange[]): Promise<ReadonlyMap<string, DriverGap>> {
    const topic = topicFor(this.#service, this.#topicName);
    const gaps = new Map<string, DriverGap>();
    if (!this.#service.profile.capabilities.gapDetected) return gaps;
    for (const { partition, asked, end } of ranges) {
      const source = topic.partitions.get(partition);
      if (source === undefined || asked.kind === "ended") continue;
      const gap = gapOf(source, resolvePlace(topic.name, source, asked), endIndex(source, end));
      if (gap !== null) gaps.set(partition, gap);
    }
    return gaps;
  }

  open({ partition, place }: CursorRequest): PartitionCursor {
    const topic = topicFor(this.#service, this.#topicName);
    topic.trim();
    requirePartitions(topic, [partition]);
    const source = topic.partitions.get(partition)!;
    const { index, dropped } = resolvePlace(topic.name, source, place);
    const feed = new LogFeed(topic, source.log, index, this.#service.profile.capabilities.gapDetected, dropped);
    return new FeedCursor(this.#service, topic, partition, feed);
  }

  compare(a: string, b: string): number {
    return comparePositions(a, b);
  }
}

/**
 * A group has no lease of a shard that is gone, so nobody would report that messages of it are missing.
 * @throws `position-out-of-range`
 */
function requireKept(topic: MemoryTopic, starts: ReadonlyMap<string, ResolvedPlace | "ended">): void {
  const kept = new Set(topic.kept);
  for (const [id, resolved] of starts) {
    const partition = topic.partitions.get(id)!;
    if (kept.has(partition) || resolved === "ended" || resolved.index >= partition.log.endIndex) continue;
    const text = `partition ${JSON.stringify(id)} is gone, and messages behind the given place with it: retention has removed them`;
    throw memoryError("position-out-of-range", text, { topic: topic.name, partition: id });
  }
}

/** The place where nothing is lost and nothing comes again. */
function placeByPosition({ positions }: Log, { index }: ResolvedPlace): PartitionPlace {
  return { kind: "at", position: positions.nameOf(index) };
}

/** The end of a log, where the service does not tell it: behind what was stored last, or, where that is long ago, the time since which nothing was stored. */
function endByLookingBack(log: Log): PartitionPlace {
  const sinceMs = Date.now() - LOOK_BACK_MS;
  const isRecent = !log.isEmpty && log.timestampOf(log.endIndex - 1) >= sinceMs;
  return isRecent ? { kind: "after", position: log.positions.nameOf(log.endIndex - 1) } : { kind: "timestamp", timestampMs: sinceMs };
}

/** The first index behind a range, if it is known. */
function endIndex({ log }: Partition, end: PartitionEnd): number {
  if (end?.kind === "before") return log.positions.from(end.position);
  return end?.kind === "through" ? log.positions.behind(end.position) : Infinity;
}

/** The part of a range that retention has dropped. The missing messages are counted if the range says which they were. */
function gapOf({ log }: Partition, start: ResolvedPlace, end: number): DriverGap | null {
  const missing = Math.min(log.firstIndex, end) - start.index;
  if (missing <= 0 && !start.dropped) return null;
  return gapUpTo(log, missing > 0 ? missing : null);
}
