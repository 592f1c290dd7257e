import type { Place, StartPoint } from "../../src/driver/index.ts";
import { type KnownTopic, requirePartition } from "./topic-directory.ts";

/**
 * A point of a whole topic as places by partition: the listed ones, or all. Partitions of Kafka never end; where it says so there was no
 * more to read. @throws `invalid-argument` for a partition that does not exist
 */
export function placesOf(topic: KnownTopic, point: StartPoint): Map<number, Place> {
  if (point.kind !== "places") return new Map(topic.partitions.map((partition) => [partition, point]));
  return new Map(
    [...point.places].map(([name, place]) => [requirePartition(topic, name), place.kind === "ended" ? { kind: "latest" } : place]),
  );
}
