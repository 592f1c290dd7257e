import type { Place, StartPoint } from "../../src/driver/index.ts";
import { memoryError } from "./errors.ts";
import type { Partition } from "./partition.ts";
import { toIndex } from "./records.ts";
import type { MemoryTopic } from "./topic.ts";

/** Where something begins in a log. `dropped`: retention has dropped records of it that cannot be counted. */
export interface ResolvedPlace {
  readonly index: number;
  readonly dropped: boolean;
}

/**
 * The index of a place in a log. A time means the first record in log order stored at or after it; where none is, the end.
 * @throws `invalid-argument` for a malformed position · `position-out-of-range` for one behind the end
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
 * Where a range begins in every partition; "ended" where there is nothing to read: shards that were read before, and closed
 * ones from the latest on. With `places`, unlisted ancestors of listed partitions had been read; other unlisted partitions start at their beginning.
 * @throws `invalid-argument` for a partition that does not exist, naming those that do · as `resolvePlace`
 */
export function resolveStart(topic: MemoryTopic, start: StartPoint): Map<string, ResolvedPlace | "ended"> {
  topic.trim();
  const resolved = new Map<string, ResolvedPlace | "ended">();
  if (start.kind === "places") requirePartitions(topic, start.places.keys());
  for (const partition of topic.partitions.values()) {
    if (start.kind !== "places") {
      const past = start.kind === "latest" && partition.log.closed;
      resolved.set(partition.id, past ? "ended" : resolvePlace(topic.name, partition, start));
      continue;
    }
    const place = start.places.get(partition.id);
    if (place?.kind === "ended") resolved.set(partition.id, "ended");
    else if (place !== undefined) resolved.set(partition.id, resolvePlace(topic.name, partition, place));
    else if (partition.hasDescendantIn(start.places)) resolved.set(partition.id, "ended");
    else resolved.set(partition.id, resolvePlace(topic.name, partition, { kind: "earliest" }));
  }
  return resolved;
}

/** @throws `invalid-argument` for a partition that does not exist, naming those that do */
export function requirePartitions(topic: MemoryTopic, wanted: Iterable<string>): void {
  for (const partition of wanted) {
    if (!topic.partitions.has(partition)) {
      const existing = topic.listed.map(({ id }) => JSON.stringify(id)).join(", ");
      throw memoryError(
        "invalid-argument",
        `there is no partition ${JSON.stringify(partition)}; topic ${JSON.stringify(topic.name)} has ${existing}`,
        {
          topic: topic.name,
          partition,
        },
      );
    }
  }
}
