import type { PartitionPlace, Place, StartPoint } from "../../../src/driver/index.ts";
import { type TopicSnapshot, requirePartition } from "../topic-directory.ts";

/**
 * Where each partition of the topic begins, as `StartPoint` says; of a position the others are not left out here.
 * @throws `invalid-argument` for a partition that does not exist
 */
export function startPlaces(topic: TopicSnapshot, start: StartPoint): Map<number, Place> {
  if (start.kind === "places") return new Map([...beginnings(topic), ...listedPlaces(topic, start.places)]);
  if (start.kind === "position") return new Map([...beginnings(topic), [requirePartition(topic, start.partition), start.place]]);
  return new Map(topic.partitions.map((partition) => [partition, start]));
}

/**
 * By partition. Partitions of Kafka never end: where it says so there was no more to read.
 * @throws `invalid-argument` for a partition that does not exist
 */
export function listedPlaces(topic: TopicSnapshot, places: ReadonlyMap<string, PartitionPlace>): Map<number, Place> {
  return new Map([...places].map(([name, place]) => [requirePartition(topic, name), place.kind === "ended" ? { kind: "latest" } : place]));
}

function beginnings(topic: TopicSnapshot): readonly (readonly [number, Place])[] {
  return topic.partitions.map((partition) => [partition, { kind: "earliest" }]);
}
