import type { ChildPartition, PartitionPlace } from "../driver/index.ts";
import type { LeaseStore } from "./lease-store.ts";

/** Where a group starts in a table of foreign clients: where their rows are; empty where there are none. */
export async function adoptedStart(
  store: LeaseStore,
  partitions: readonly ChildPartition[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PartitionPlace>> {
  const rows = await store.list(signal);
  const foreign = new Map(rows.filter(({ row }) => row.groupId === null).map(({ row }) => [row.partition, row.place]));
  return withParents(foreign, partitions);
}

/**
 * Foreign clients remove the row of what they have handled to its end once its children have begun, and never make one of what lies before their
 * start. So a parent without a row comes no more where a child has begun. Beside a child that starts at a time it starts at the same time: whoever
 * gives the time may mean an earlier one than the foreign client did.
 */
function withParents(
  rows: ReadonlyMap<string, PartitionPlace>,
  partitions: readonly ChildPartition[],
): ReadonlyMap<string, PartitionPlace> {
  const parentsOf = new Map(partitions.map(({ partition, parents }) => [partition, parents]));
  const places = new Map(rows);
  // What is put last is looked at last, also if it was there before with another place.
  const waiting = [...rows];
  for (const [child, place] of waiting) {
    if (place.kind === "earliest") continue;
    for (const parent of parentsOf.get(child) ?? []) {
      if (rows.has(parent)) continue;
      const next = beforeBoth(places.get(parent), place.kind === "timestamp" ? place : { kind: "ended" });
      if (next === places.get(parent)) continue;
      places.set(parent, next);
      waiting.push([parent, next]);
    }
  }
  return places;
}

/** Of two places of one parent the one that leaves out less. */
function beforeBoth(known: PartitionPlace | undefined, next: PartitionPlace): PartitionPlace {
  if (known === undefined || known.kind === "ended") return known?.kind === next.kind ? known : next;
  return known.kind === "timestamp" && next.kind === "timestamp" && next.timestampMs < known.timestampMs ? next : known;
}
