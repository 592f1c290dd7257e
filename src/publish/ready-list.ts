import type { Lane } from "./lane.ts";

/**
 * The lanes of a destination that are ready, in the order in which they became so. They are linked to each other: a lane joins and leaves for each call of
 * its messages, and a set of them was measured to take a good part of what a message with a key of its own costs.
 */
export class ReadyList {
  #first: Lane | null = null;
  #last: Lane | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): Lane | null {
    return this.#first;
  }

  /** The lane becomes the last one, and leaves the list of another destination. One that is here already keeps its place. */
  add(lane: Lane): void {
    if (lane.readyList === this) return;
    lane.readyList?.remove(lane);
    lane.joinReadyList(this, this.#last);
    this.#first ??= lane;
    this.#last = lane;
    this.#size += 1;
  }

  /** The lane must be here. */
  remove(lane: Lane): void {
    if (this.#first === lane) this.#first = lane.nextReady;
    if (this.#last === lane) this.#last = lane.previousReady;
    lane.leaveReadyList();
    this.#size -= 1;
  }

  /** A lane may be removed while it is looked at. */
  *[Symbol.iterator](): Generator<Lane> {
    for (let lane = this.#first; lane !== null;) {
      const { nextReady } = lane;
      yield lane;
      lane = nextReady;
    }
  }
}
