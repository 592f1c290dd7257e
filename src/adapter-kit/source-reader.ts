import type {
  Capabilities,
  ChildPartition,
  PartitionEnd,
  PartitionPlace,
  Place,
  RangePartition,
  RangeRequest,
  ReaderDriver,
  ReaderSink,
  ResolvedRange,
  StartPoint,
  StopPoint,
} from "../driver/index.ts";
import { StreamError } from "../errors.ts";
import { followPartition } from "./follow-partition.ts";
import { readerHandler } from "./partition-handler.ts";
import type { PartitionSource, TopicShape } from "./partition-source.ts";
import { pause } from "./pause.ts";
import { providerErrors } from "./provider-errors.ts";
import { RetryBackoff, type RetrySettings, retrying } from "./retry-backoff.ts";
import { requireNames } from "./start-places.ts";

/** What a reader of one topic is made of. */
export interface SourceReaderParts {
  readonly provider: string;
  readonly topic: string;
  readonly source: PartitionSource;
  /** Of the capabilities: what ends a range until now. With `position` the source resolves `latest` and times to positions. */
  readonly readerEnd: Capabilities["readerEnd"];
  /** How often the topic is listed for partitions that no shard names as its children, while a range without an end is read. */
  readonly describeMs: number;
  /** For listing the topic while reading. */
  readonly retry: RetrySettings;
}

type Ends = (partition: string, start: Place) => PartitionEnd;

/** Before any time that a record can have. */
const BEFORE_EVERYTHING: PartitionEnd = { kind: "timestamp", timestampMs: Number.MIN_SAFE_INTEGER };

/** Reads ranges of one topic through its source. It leaves nothing at the provider. */
export class SourceReader implements ReaderDriver {
  readonly #parts: SourceReaderParts;
  readonly #closing = new AbortController();
  readonly #reading = new Set<Promise<void>>();
  /** The partitions that existed when the range was resolved. */
  #known: ReadonlySet<string> | undefined;

  constructor(parts: SourceReaderParts) {
    this.#parts = parts;
  }

  async resolve({ from, until, partitions: wanted }: RangeRequest, signal: AbortSignal): Promise<ResolvedRange> {
    const { source } = this.#parts;
    const shape = await source.describe(signal);
    this.#requireKnown(shape, wanted ?? []);
    if (until?.kind === "places") this.#requireKnown(shape, until.places.keys());
    const [starts, ends] = await Promise.all([source.resolve(from, signal), this.#resolveEnds(until, signal)]);
    this.#known = new Set(shape.partitions.map(({ partition }) => partition));
    const isWanted = (partition: string): boolean =>
      (wanted?.includes(partition) ?? true) && (from.kind !== "position" || from.partition === partition);
    const inRange = shape.partitions.flatMap(({ partition, parents }) => {
      const start = starts.get(partition);
      if (start === undefined || start.kind === "ended" || !isWanted(partition)) return [];
      return [{ partition, parents, start, end: ends(partition, start) }];
    });
    const gaps = await source.gaps?.(
      inRange.map(({ partition, start, end }) => ({ partition, asked: askedOf(from, partition), start, end })),
      signal,
    );
    const names = new Set(inRange.map(({ partition }) => partition));
    return {
      identity: shape.identity,
      partitions: inRange.map(({ partition, parents, start, end }) => ({
        partition,
        start,
        end,
        parents: parents.filter((parent) => names.has(parent)),
        gap: gaps?.get(partition) ?? null,
      })),
    };
  }

  #requireKnown({ partitions, identity }: TopicShape, wanted: Iterable<string>): void {
    requireNames({ topic: identity.topic, partitions }, wanted, providerErrors(this.#parts.provider));
  }

  /** Asks the source where that is needed, so that malformed places are refused as well. */
  async #resolveEnds(until: StopPoint, signal: AbortSignal): Promise<Ends> {
    const { source, readerEnd } = this.#parts;
    if (until === null) return () => null;
    if (until.kind === "places") {
      const resolved = await source.resolve(until, signal);
      return (partition, start) => {
        const place = until.places.get(partition);
        return place === undefined ? nothingFrom(start) : this.#endAt(place, resolved.get(partition), start);
      };
    }
    if (readerEnd !== "position") return () => (until.kind === "now" ? { kind: readerEnd } : until);
    const resolved = await source.resolve(until.kind === "now" ? { kind: "latest" } : until, signal);
    return (partition, start) => this.#endAt(until.kind === "now" ? { kind: "latest" } : until, resolved.get(partition), start);
  }

  /** @param resolved what the source makes of the place */
  #endAt(place: PartitionPlace, resolved: PartitionPlace | undefined, start: Place): PartitionEnd {
    const { readerEnd } = this.#parts;
    switch (place.kind) {
      case "at":
        return { kind: "before", position: place.position };
      // It has its own kind, because the next record need not exist yet.
      case "after":
        return { kind: "through", position: place.position };
      case "earliest":
        return nothingFrom(start);
      case "ended":
        return null;
      case "mark":
        return nothingFrom(start);
      case "latest":
      case "timestamp":
        if (readerEnd !== "position") return place.kind === "latest" ? { kind: readerEnd } : place;
        if (resolved?.kind === "at") return { kind: "before", position: resolved.position };
        if (resolved?.kind === "after") return { kind: "through", position: resolved.position };
        if (resolved?.kind === "timestamp") return resolved;
        return resolved?.kind === "earliest" ? nothingFrom(start) : null;
    }
  }

  async read(partitions: readonly RangePartition[], sink: ReaderSink, signal: AbortSignal): Promise<void> {
    const reading = this.#read(partitions, sink, signal);
    const settled = reading.catch(() => undefined);
    this.#reading.add(settled);
    try {
      await reading;
    } finally {
      this.#reading.delete(settled);
    }
  }

  async #read(partitions: readonly RangePartition[], sink: ReaderSink, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const over = AbortSignal.any([signal, stop.signal, this.#closing.signal]);
    let failure: { readonly error: unknown } | undefined;
    const orStop = (work: Promise<void>): Promise<void> =>
      work.catch((error: unknown) => {
        // What the end of the reading brings about is no failure of its own.
        if (!over.aborted) failure = { error };
        stop.abort();
      });
    const isEndless = partitions.some(({ end }) => end === null);
    const watching = isEndless ? orStop(this.#watchGrowth(sink, over)) : undefined;
    await Promise.all(partitions.map((range) => orStop(this.#readPartition(range, sink, over))));
    stop.abort();
    await watching;
    if (failure !== undefined) throw failure.error;
  }

  async #readPartition({ partition, start }: RangePartition, sink: ReaderSink, signal: AbortSignal): Promise<void> {
    const { source, provider, topic } = this.#parts;
    const cursor = source.open({ partition, place: start, emptyUntilMs: null, epoch: null });
    let children: readonly ChildPartition[] = [];
    const handler = { ...readerHandler(sink, partition), ended: (found: readonly ChildPartition[]) => void (children = found) };
    const end = await followPartition(cursor, handler, signal);
    if (end === "taken") {
      throw new StreamError("conflict", "another client has taken the partition from this reader", { provider, topic, partition });
    }
    if (end === "stopped") return;
    if (children.length === 0) children = (await this.#describe(signal)).partitions.filter(({ parents }) => parents.includes(partition));
    sink.ended(partition, children);
  }

  /** Reports new partitions that are no children of a shard, until the signal aborts. @throws what cannot be retried */
  async #watchGrowth(sink: ReaderSink, signal: AbortSignal): Promise<void> {
    const known = new Set(this.#known);
    while (!signal.aborted) {
      const { partitions } = await this.#describe(signal);
      if (this.#known === undefined && known.size === 0) for (const { partition } of partitions) known.add(partition);
      const added = partitions.filter(({ partition, parents }) => !known.has(partition) && parents.length === 0);
      for (const { partition } of added) known.add(partition);
      if (added.length > 0 && !signal.aborted) sink.appeared(added);
      await pause(this.#parts.describeMs, signal);
    }
  }

  #describe(signal: AbortSignal): Promise<TopicShape> {
    const { source, retry } = this.#parts;
    return retrying("describe", new RetryBackoff(retry), signal, () => source.describe(signal));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#reading);
  }
}

function askedOf(from: StartPoint, partition: string): PartitionPlace {
  if (from.kind === "places") return from.places.get(partition) ?? { kind: "earliest" };
  return from.kind === "position" ? from.place : from;
}

/** The end of a range in which nothing is read. */
function nothingFrom(start: Place): PartitionEnd {
  if (start.kind === "at") return { kind: "before", position: start.position };
  return start.kind === "after" ? { kind: "through", position: start.position } : BEFORE_EVERYTHING;
}
