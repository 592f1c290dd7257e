import type { ChildPartition } from "../../../src/driver/index.ts";
import { Log } from "./log.ts";

/** Hashes from `begin` up to but not including `end`, of 32 bits. */
export interface HashRange {
  readonly begin: number;
  readonly end: number;
}

/** One partition of a topic: a log, and where it stands in the family of splits and merges. */
export class Partition {
  readonly id: string;
  readonly log = new Log();
  /** What hashes it takes while open; of no meaning in a topic of the layout `modulo`. */
  readonly range: HashRange;
  readonly parents: readonly Partition[];
  readonly children: Partition[] = [];

  constructor(id: string, range: HashRange, parents: readonly Partition[] = []) {
    this.id = id;
    this.range = range;
    this.parents = parents;
    for (const parent of parents) parent.children.push(this);
  }

  /** Is one of these a child of this partition, or a child's child? */
  hasDescendantIn(partitions: ReadonlyMap<string, unknown>): boolean {
    return this.children.some((child) => partitions.has(child.id) || child.hasDescendantIn(partitions));
  }
}

/** The children as the contract tells of them. */
export function childrenOf({ children }: Partition): ChildPartition[] {
  return children.map(({ id, parents }) => ({ partition: id, parents: parents.map((parent) => parent.id) }));
}
