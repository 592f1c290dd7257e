import type { PartitionPlace, Place, StartPoint } from "../../../src/driver/index.ts";
import { memoryError, noSuchPartition } from "../errors.ts";
import { toIndex } from "../records.ts";
import type { Partition } from "./partition.ts";
import type { MemoryTopic } from "./topic.ts";

/** Where a range begins in a log. `dropped`: retention has dropped records of the range that cannot be counted. */
export interface ResolvedPlace {
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
      return { index: log.firstIndex, dropped: false };
    case "latest":
      return { index: log.endIndex, dropped: false };
    case "timestamp": {
      const index = log.findTimestamp(place.timestampMs) ?? log.endIndex;
      return { index, dropped: log.newestDroppedMs >= place.timestampMs };
    }
    case "mark":
      throw memoryError("invalid-argument", "this form of the provider makes no marks, so that this bookmark is not one of its own", {
        topic,
      });
    case "at":
    case "after": {
      const index = toIndex(place.position) + (place.kind === "after" ? 1 : 0);
      if (index > log.endIndex) {
        throw memoryError(
          "position-out-of-range",
          `position ${place.position} lies behind the end of partition ${JSON.stringify(partition.id)}, which is ${log.endIndex}`,
          { topic, partition: partition.id },
        );
      }
      return { index, dropped: false };
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
  if (start.kind === "places") return resolveListed(topic, start.places);
  if (start.kind === "position") return resolveListed(topic, new Map([[start.partition, start.place]]));
  return new Map(
    [...topic.partitions.values()].map((partition): [string, ResolvedPlace | "ended"] => {
      const isPast = start.kind === "latest" && partition.log.closed;
      return [partition.id, isPast ? "ended" : resolvePlace(topic.name, partition, start)];
    }),
  );
}

function resolveListed(topic: MemoryTopic, places: ReadonlyMap<string, PartitionPlace>): Map<string, ResolvedPlace | "ended"> {
  requirePartitions(topic, places.keys());
  return new Map(
    [...topic.partitions.values()].map((partition): [string, ResolvedPlace | "ended"] => {
      const place = places.get(partition.id);
      if (place?.kind === "ended" || (place === undefined && partition.hasDescendantIn(places))) return [partition.id, "ended"];
      return [partition.id, resolvePlace(topic.name, partition, place ?? { kind: "earliest" })];
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
