import { startPlaces } from "../../../src/adapter-kit/index.ts";
import type { Place, StartPoint } from "../../../src/driver/index.ts";
import { MEMORY_ERRORS, memoryError, noSuchPartition } from "../errors.ts";
import { type Partition, asChild } from "./partition.ts";
import type { MemoryTopic } from "./topic.ts";

/** Where a range begins in a log. `dropped`: retention has dropped records of the range that cannot be counted. */
export interface ResolvedPlace {
  /** As it was asked for. */
  readonly place: Place;
  readonly index: number;
  readonly dropped: boolean;
}

/**
 * The index of a place in a log. A time means the first record in log order that was stored at or after it; without such a record, the end.
 * @throws `invalid-argument` for a malformed position · `position-out-of-range` for a position after the end
 */
export function resolvePlace(topic: string, partition: Partition, place: Place): ResolvedPlace {
  const { log } = partition;
  switch (place.kind) {
    case "earliest":
      return { place, index: log.firstIndex, dropped: false };
    case "latest":
      return { place, index: log.endIndex, dropped: false };
    case "timestamp": {
      const index = log.findTimestamp(place.timestampMs) ?? log.endIndex;
      return { place, index, dropped: log.newestDroppedMs >= place.timestampMs };
    }
    case "mark":
      throw memoryError("invalid-argument", "this form of the provider makes no marks, so that this bookmark is not one of its own", {
        topic,
      });
    case "at":
    case "after": {
      const index = place.kind === "after" ? log.positions.behind(place.position) : log.positions.from(place.position);
      if (index > log.endIndex) {
        throw memoryError(
          "position-out-of-range",
          `position ${place.position} lies behind the end of partition ${JSON.stringify(partition.id)}, which is ${log.positions.nameOf(log.endIndex)}`,
          { topic, partition: partition.id },
        );
      }
      return { place, index, dropped: false };
    }
  }
}

/**
 * Where a range begins in every partition; "ended" where nothing is to be read: shards that were read before, and closed shards
 * when the start is the latest. Partitions that are not listed begin as `StartPoint` says. A start at a position lists the other
 * partitions too.
 * @throws `invalid-argument` for a partition that does not exist, with the names of those that do · as `resolvePlace`
 */
export function resolveStart(topic: MemoryTopic, start: StartPoint): Map<string, ResolvedPlace | "ended"> {
  topic.trim();
  if (start.kind === "places") requirePartitions(topic, start.places.keys());
  if (start.kind === "position") requirePartitions(topic, [start.partition]);
  const all = [...topic.partitions.values()];
  const asked = startPlaces({ topic: topic.name, partitions: all.map(asChild) }, start, MEMORY_ERRORS);
  return new Map(
    all.map((partition): [string, ResolvedPlace | "ended"] => {
      const place = asked.get(partition.id)!;
      const isPast = place.kind === "ended" || (start.kind === "latest" && partition.log.closed);
      return [partition.id, isPast ? "ended" : resolvePlace(topic.name, partition, place)];
    }),
  );
}

/** @throws `invalid-argument` for a partition that does not exist, with the names of those that do */
export function requirePartitions(topic: MemoryTopic, wanted: Iterable<string>): void {
  for (const partition of wanted) {
    if (topic.partitions.has(partition)) continue;
    throw noSuchPartition(
      topic.name,
      partition,
      topic.listed.map(({ id }) => id),
    );
  }
}
