import type { Entry, Work } from "./work.ts";

/** Messages that must be handled one after the other. Exists only while one of them is being handled or waits. */
export interface Lane<T> {
  readonly key: string;
  /** Who handles messages of it now, back-off included; `null`: nobody, its first waiting message may start. */
  owner: Work<T> | null;
  /** Stored order. */
  readonly waiting: Entry[];
}

/** The lanes of one assignment that are in use. Empty while nothing is in flight, which is what the fast path asks. */
export class KeyLanes<T> {
  readonly #lanes = new Map<string, Lane<T>>();
  /** Lanes without an owner, whose first message may start; in the order in which they became free. */
  readonly #free = new Set<Lane<T>>();

  get size(): number {
    return this.#lanes.size;
  }

  get(key: string): Lane<T> | undefined {
    return this.#lanes.get(key);
  }

  /** Makes `owner` the only one who may handle messages of the lane. */
  hold(key: string, owner: Work<T>): Lane<T> {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, owner, waiting: [] };
      this.#lanes.set(key, lane);
    }
    lane.owner = owner;
    this.#free.delete(lane);
    return lane;
  }

  release(lane: Lane<T>): void {
    lane.owner = null;
    if (lane.waiting.length === 0) this.#lanes.delete(lane.key);
    else this.#free.add(lane);
  }

  get hasFree(): boolean {
    return this.#free.size > 0;
  }

  /** The lane that has been free for longest, now held by `owner`. */
  takeFree(owner: Work<T>): Lane<T> | null {
    for (const lane of this.#free) return this.hold(lane.key, owner);
    return null;
  }
}

/** Which lane a message belongs to; `null`: none, it may be handled at any time. */
export function laneKeyOf(order: "key" | "partition" | "none", key: string | null): string | null {
  return order === "key" ? key : order === "partition" ? "" : null;
}

/**
 * Which messages of a batch share a failure: when one fails, those of its sequence behind it are handled again. `null`: it
 * stands alone. Without an order a key is no lane, but a failure still tells of the key.
 */
export function sequenceOf(order: "key" | "partition" | "none", key: string | null): string | null {
  return order === "partition" ? "" : key;
}
