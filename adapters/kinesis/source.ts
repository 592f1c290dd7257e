import {
  type CursorRequest,
  type PartitionCursor,
  type PartitionSource,
  type TopicShape,
  inParallel,
  pause,
  startPlaces,
} from "../../src/adapter-kit/index.ts";
import type { PartitionPlace, StartPoint } from "../../src/driver/index.ts";
import { KINESIS_ERRORS, kinesisError } from "./errors.ts";
import { ShardCursor } from "./read/shard-cursor.ts";
import { ShardReads } from "./read/shard-reads.ts";
import { comparePositions } from "./records.ts";
import type { KinesisService } from "./service.ts";
import type { Shard } from "./streams/shard.ts";

/** The end of a shard is found by what was stored in the last moments, because an iterator at the end names no position. */
const LOOK_BACK_MS = 5_000;
const LOOK_BACK_RECORDS = 10_000;
const MOST_PORTION_BYTES = 1_048_576;
const SHARDS_AT_ONCE = 64;
const READ_SPACING_MS = 200;

/** The shards of one stream. */
export class KinesisSource implements PartitionSource {
  readonly #service: KinesisService;
  readonly #topic: string;
  readonly #portionBytes: number;

  /** @param bufferedBytes about how much its reader takes at once */
  constructor(service: KinesisService, topic: string, bufferedBytes = MOST_PORTION_BYTES) {
    this.#service = service;
    this.#topic = topic;
    this.#portionBytes = Math.min(bufferedBytes, MOST_PORTION_BYTES);
  }

  async describe(signal: AbortSignal): Promise<TopicShape> {
    const { directory } = this.#service;
    const [{ identity }, partitions] = await Promise.all([directory.usable(this.#topic, signal), directory.shards(this.#topic, signal)]);
    return { identity, partitions };
  }

  async resolve(start: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    const { directory, connection } = this.#service;
    const { retentionMs } = await directory.usable(this.#topic, signal);
    // Whoever asks has described the stream a moment ago.
    const shards = await directory.recentShards(this.#topic, signal);
    const asked = startPlaces({ topic: this.#topic, partitions: shards }, withoutTrimmed(start, shards, this.#topic), KINESIS_ERRORS);
    const isEnd = (place: PartitionPlace): boolean =>
      place.kind === "latest" || (place.kind === "timestamp" && place.timestampMs > connection.serviceNowMs);
    const entries = await inParallel(
      shards,
      async ({ partition, isOpen }): Promise<readonly [string, PartitionPlace]> => {
        const place = asked.get(partition)!;
        if (place.kind === "mark") throw kinesisError("invalid-argument", "Kinesis keeps no marks", { topic: this.#topic });
        if (place.kind === "at" || place.kind === "after") comparePositions(place.position, place.position);
        // Later a stored time that is older than retention means that something may be missing; now the beginning is meant.
        if (start.kind === "timestamp" && start.timestampMs <= connection.serviceNowMs - retentionMs)
          return [partition, { kind: "earliest" }];
        if (!isEnd(place)) return [partition, place];
        return [partition, isOpen ? await this.#endOf(partition, signal) : { kind: "ended" }];
      },
      SHARDS_AT_ONCE,
    );
    return new Map(entries);
  }

  /** Behind the last record; where nothing was stored in the last moments, the time that they began at. Both are exact. */
  async #endOf(partition: string, signal: AbortSignal): Promise<PartitionPlace> {
    const reads = new ShardReads(this.#service, this.#topic, partition);
    const sinceMs = Math.floor(this.#service.connection.serviceNowMs - LOOK_BACK_MS);
    let iterator: string | undefined = await reads.iterator({ type: "AT_TIMESTAMP", timestampMs: sinceMs }, signal);
    let last: string | null = null;
    while (iterator !== undefined && iterator !== null) {
      const { Records: records = [], NextShardIterator, MillisBehindLatest } = await reads.records(iterator, LOOK_BACK_RECORDS, signal);
      last = records.at(-1)?.SequenceNumber ?? last;
      if (MillisBehindLatest === 0) break;
      iterator = NextShardIterator;
      if (records.length === 0) await pause(Math.min(READ_SPACING_MS, this.#service.pollMs), signal);
    }
    return last === null ? { kind: "timestamp", timestampMs: sinceMs } : { kind: "after", position: last };
  }

  open({ partition, place, emptyUntilMs }: CursorRequest): PartitionCursor {
    return new ShardCursor(this.#service, { topic: this.#topic, partition, place, emptyUntilMs, portionBytes: this.#portionBytes });
  }

  compare(a: string, b: string): number {
    return comparePositions(a, b);
  }
}

const SHARD_NUMBER = /^shardId-(\d{12})$/;

/** Shards that retention has removed are no mistake of the caller. What was read to their end needs them no more. */
function withoutTrimmed(start: StartPoint, shards: readonly Shard[], topic: string): StartPoint {
  const listed = new Set(shards.map(({ partition }) => partition));
  const newest = shards.reduce((most, { partition }) => (partition > most ? partition : most), "");
  const isTrimmed = (partition: string): boolean => !listed.has(partition) && SHARD_NUMBER.test(partition) && partition < newest;
  const refuse = (partition: string): never => {
    const text = `shard ${partition} is no longer kept: retention has removed it with what it held`;
    throw kinesisError("position-out-of-range", text, { topic, partition });
  };
  if (start.kind === "position" && isTrimmed(start.partition)) return refuse(start.partition);
  if (start.kind !== "places") return start;
  const places = [...start.places].filter(([partition, place]) => {
    if (!isTrimmed(partition)) return true;
    return place.kind === "ended" ? false : refuse(partition);
  });
  return { kind: "places", places: new Map(places) };
}
