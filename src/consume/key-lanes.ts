import type { Entry, Work } from "./work.ts";

/** Messages that must be handled one after the other. Exists only while one of them is handled or waits. */
export class Lane<T> {
  readonly key: string;
  /** The work that handles messages of it now, back-off included; `null`: its first waiting message may start. */
  owner: Work<T> | null;
  readonly #waiting: Entry[] = [];

  constructor(key: string, owner: Work<T>) {
    this.key = key;
    this.owner = owner;
  }

  /** This message starts behind those that wait already. */
  add(entry: Entry): void {
    this.#waiting.push(entry);
  }

  /** Its next message. It waits no longer. */
  takeFirst(): Entry | undefined {
    return this.#waiting.shift();
  }

  /** Its next messages in stored order, at most so many. They wait no longer. */
  take(count: number): Entry[] {
    return this.#waiting.splice(0, count);
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }
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

  /** Makes `owner` the only work that may handle messages of the lane. */
  hold(key: string, owner: Work<T>): Lane<T> {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(key, owner);
      this.#lanes.set(key, lane);
    }
    lane.owner = owner;
    this.#free.delete(lane);
    return lane;
  }

  release(lane: Lane<T>): void {
    lane.owner = null;
    if (lane.hasWaiting) this.#free.add(lane);
    else this.#lanes.delete(lane.key);
  }

  get hasFree(): boolean {
    return this.#free.size > 0;
  }

  /** The lane that has been free for the longest time, now held by `owner`. */
  takeFree(owner: Work<T>): Lane<T> | null {
    for (const lane of this.#free) return this.hold(lane.key, owner);
    return null;
  }
}

/** The lane of a message; `null`: it has none, and may be handled at any time. */
export function laneKeyOf(order: "key" | "partition" | "none", key: string | null): string | null {
  return order === "key" ? key : order === "partition" ? "" : null;
}

/**
 * Which messages of a batch share a failure: when one fails, those of its sequence behind it are handled again. `null`: the
 * message fails alone. Without an order keys have no lanes, but messages of one key still share a failure.
 */
export function sequenceOf(order: "key" | "partition" | "none", key: string | null): string | null {
  return order === "partition" ? "" : key;
}
