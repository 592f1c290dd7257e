import type { ChildPartition, PartitionPlace, StartPoint } from "../driver/index.ts";
import type { ProviderErrors } from "./provider-errors.ts";

/** A topic, as far as the names of its partitions go. */
export interface NamedPartitions {
  readonly topic: string;
  readonly partitions: readonly ChildPartition[];
}

/**
 * What a start asks for in each partition of a topic, as `StartPoint` says: with places, a partition that is not listed starts at its beginning,
 * unless it is an ancestor of a listed one, which had been read before. With a position, the others are treated in the same way.
 * @throws `invalid-argument` for a partition that does not exist, naming those that do
 */
export function startPlaces(
  { topic, partitions }: NamedPartitions,
  start: StartPoint,
  errors: ProviderErrors,
): Map<string, PartitionPlace> {
  if (start.kind !== "places" && start.kind !== "position") return new Map(partitions.map(({ partition }) => [partition, start]));
  const listed: ReadonlyMap<string, PartitionPlace> = start.kind === "places" ? start.places : new Map([[start.partition, start.place]]);
  requireNames({ topic, partitions }, listed.keys(), errors);
  const read = ancestorsOf(partitions, listed.keys());
  return new Map(
    partitions.map(({ partition }) => [partition, listed.get(partition) ?? { kind: read.has(partition) ? "ended" : "earliest" }]),
  );
}

/** @throws `invalid-argument` for a partition that does not exist, naming those that do */
export function requireNames({ topic, partitions }: NamedPartitions, wanted: Iterable<string>, errors: ProviderErrors): void {
  const existing = new Set(partitions.map(({ partition }) => partition));
  for (const partition of wanted) if (!existing.has(partition)) throw errors.noSuchPartition(topic, partition, [...existing]);
}

function ancestorsOf(partitions: readonly ChildPartition[], names: Iterable<string>): ReadonlySet<string> {
  const parentsOf = new Map(partitions.map(({ partition, parents }) => [partition, parents]));
  const found = new Set<string>();
  const next = [...names];
  for (let name = next.pop(); name !== undefined; name = next.pop()) {
    for (const parent of parentsOf.get(name) ?? []) {
      if (found.has(parent)) continue;
      found.add(parent);
      next.push(parent);
    }
  }
  return found;
}
