import type { ChildPartition } from "../../../src/driver/index.ts";
import { Log } from "./log.ts";
import type { Positions } from "./positions.ts";

/** Hashes from `begin` up to but not including `end`, of 32 bits. */
export interface HashRange {
  readonly begin: number;
  readonly end: number;
}

/** One partition of a topic: its log, and its parents and children by splits and merges. */
export class Partition {
  readonly id: string;
  readonly log: Log;
  /** The hashes of the keys that it stores while it is open. Not used in a topic with the layout `modulo`. */
  readonly range: HashRange;
  readonly parents: readonly Partition[];
  readonly children: Partition[] = [];

  constructor(id: string, positions: Positions, range: HashRange, parents: readonly Partition[] = []) {
    this.id = id;
    this.log = new Log(positions);
    this.range = range;
    this.parents = parents;
    for (const parent of parents) parent.children.push(this);
  }
}

/** In the form of the driver contract. */
export function asChild({ id, parents }: Partition): ChildPartition {
  return { partition: id, parents: parents.map((parent) => parent.id) };
}

export function childrenOf({ children }: Partition): ChildPartition[] {
  return children.map(asChild);
}
