import { RetryBackoff, pause, readerHandler, retrying } from "../../src/adapter-kit/index.ts";
import type {
  DriverGap,
  PartitionEnd,
  Place,
  RangePartition,
  RangeRequest,
  ReaderDriver,
  ReaderSink,
  ResolvedRange,
  StopPoint,
} from "../../src/driver/index.ts";
import type { KafkaClient } from "./client/kafka-client.ts";
import { classify } from "./errors.ts";
import { fetchHandler } from "./fetch/fetch-cursor.ts";
import { type LogBounds, OffsetLookup } from "./fetch/offset-lookup.ts";
import { PartitionFetcher } from "./fetch/partition-fetcher.ts";
import { placeFrom } from "./fetch/read-epochs.ts";
import { toOffset, toPosition } from "./records.ts";
import type { KafkaService } from "./service.ts";
import { type TopicSnapshot, listedPlaces, requirePartition, startPlaces } from "./topic-directory.ts";

/** The interval of the check for added partitions. */
const GROWTH_CHECK_MS = 2_000;

/** Reads ranges of one topic by partition, without a group. It stores nothing in the cluster. */
export class KafkaReader implements ReaderDriver {
  readonly #service: KafkaService;
  readonly #topicName: string;
  readonly #client: KafkaClient;
  readonly #offsets: OffsetLookup;
  readonly #closing = new AbortController();
  /** The partitions at the time when the range was resolved. */
  readonly #resolved = new Set<number>();

  constructor(service: KafkaService, topic: string) {
    this.#service = service;
    this.#topicName = topic;
    this.#client = service.client.dedicated();
    this.#offsets = new OffsetLookup(this.#client);
  }

  async resolve({ from, until, partitions: wanted }: RangeRequest, signal: AbortSignal): Promise<ResolvedRange> {
    const topic = await this.#service.directory.fetch(this.#topicName, signal);
    for (const partition of topic.partitions) this.#resolved.add(partition);
    const chosen = wanted === null ? topic.partitions : wanted.map((name) => requirePartition(topic, name));
    const isWanted = (partition: number): boolean =>
      chosen.includes(partition) && (from.kind !== "position" || from.partition === String(partition));
    const starts = new Map([...startPlaces(topic, from)].filter(([partition]) => isWanted(partition)));
    const ends = endPlaces(topic, until, [...starts.keys()]);
    const [startOffsets, endOffsets, bounds] = await Promise.all([
      this.#offsets.resolve(topic, starts, signal),
      this.#offsets.resolve(topic, ends, signal),
      this.#offsets.bounds(topic, [...starts.keys()], signal),
    ]);
    const range = [...startOffsets].map(([partition, start]): RangePartition => {
      // A partition that is not in the bookmark is not read.
      const isLeftOut = until !== null && !ends.has(partition);
      const end = isLeftOut ? start : (endOffsets.get(partition) ?? null);
      return {
        partition: String(partition),
        start: { kind: "at", position: toPosition(start) },
        end: endOf(end),
        parents: [],
        gap: gapOf(start, end, bounds.get(partition)!),
      };
    });
    return { identity: topic.identity, partitions: range };
  }

  async read(partitions: readonly RangePartition[], sink: ReaderSink, signal: AbortSignal): Promise<void> {
    const over = AbortSignal.any([signal, this.#closing.signal]);
    const backoff = new RetryBackoff({ report: this.#service.report, topic: this.#topicName, classify });
    const { topic, places, resolved } = await retrying("ListOffsets", backoff, over, () => this.#startsOf(partitions, over));
    const fetcher = new PartitionFetcher(this.#service, this.#client, topic);
    for (const { partition } of partitions) {
      const number = requirePartition(topic, partition);
      const offset = resolved.get(number) ?? offsetOf(places.get(number)!);
      fetcher.add(number, placeFrom(offset), fetchHandler(readerHandler(sink, partition)));
    }
    const stop = new AbortController();
    const isEndless = partitions.some(({ end }) => end === null);
    const watching = isEndless ? this.#watchGrowth(sink, AbortSignal.any([over, stop.signal])) : undefined;
    try {
      await fetcher.run(over, true);
    } finally {
      stop.abort();
      await watching;
    }
  }

  /** Partitions that were added after the range was resolved have no start offsets yet. */
  async #startsOf(partitions: readonly RangePartition[], signal: AbortSignal) {
    const topic = await this.#service.directory.fetch(this.#topicName, signal);
    const places = new Map(partitions.map(({ partition, start }) => [requirePartition(topic, partition), start]));
    const unresolved = new Map([...places].filter(([, place]) => place.kind !== "at" && place.kind !== "after"));
    const resolved = unresolved.size === 0 ? new Map<number, bigint>() : await this.#offsets.resolve(topic, unresolved, signal);
    return { topic, places, resolved };
  }

  /** Reports partitions that are added while a range without an end is read. Never rejects. */
  async #watchGrowth(sink: ReaderSink, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#reportGrowth(sink, signal);
      await pause(GROWTH_CHECK_MS, signal);
    }
  }

  async #reportGrowth(sink: ReaderSink, signal: AbortSignal): Promise<void> {
    let known: TopicSnapshot;
    try {
      known = await this.#service.directory.fetch(this.#topicName, signal);
    } catch {
      // If the topic or the cluster has a fault, the fetcher finds and reports it.
      return;
    }
    const added = known.partitions.filter((partition) => !this.#resolved.has(partition));
    if (added.length > 0 && !signal.aborted) sink.appeared(added.map((partition) => ({ partition: String(partition), parents: [] })));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#client.close();
  }
}

function offsetOf(place: Place): bigint {
  if (place.kind !== "at" && place.kind !== "after") throw new TypeError(`a place of the kind ${place.kind} has no offset`);
  return toOffset(place.position) + (place.kind === "after" ? 1n : 0n);
}

/** The places where reading stops. Partitions that are not read, or have no end, are absent. */
function endPlaces(topic: TopicSnapshot, until: StopPoint, partitions: readonly number[]): Map<number, Place> {
  if (until === null) return new Map();
  const places =
    until.kind === "places" ? listedPlaces(topic, until.places) : startPlaces(topic, until.kind === "now" ? { kind: "latest" } : until);
  return new Map([...places].filter(([partition]) => partitions.includes(partition)));
}

function endOf(end: bigint | null): PartitionEnd {
  return end === null ? null : { kind: "before", position: toPosition(end) };
}

/** The part of a range that retention has deleted. The number of missing records is the difference of the offsets. */
function gapOf(start: bigint, end: bigint | null, { first }: LogBounds): DriverGap | null {
  const lastMissing = end === null || first < end ? first : end;
  return start < lastMissing ? { resumesAt: { kind: "at", position: toPosition(first) }, missing: Number(lastMissing - start) } : null;
}
