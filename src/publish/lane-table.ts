import { Lane } from "./lane.ts";

/** Names of late lanes that are remembered while they are empty. */
const REMEMBERED_LATE_LANES = 1_024;

/** The lanes that have messages. Nothing is kept of an empty lane, except the names of a bounded number of late ones. */
export class LaneTable {
  /** Messages without a lane. */
  readonly free = new Lane(null, "free");
  /** Messages that wait for `prepare`. */
  readonly unrouted = new Lane(null, "unrouted");
  readonly #byName = new Map<string, Lane>();
  /** Lanes of messages without a lane name that are in calls or wait for a retry. */
  readonly #unnamed = new Set<Lane>();
  readonly #late = new Set<string>();

  get size(): number {
    return this.#byName.size + this.#unnamed.size;
  }

  named(name: string): Lane {
    let lane = this.#byName.get(name);
    if (lane === undefined) {
      lane = new Lane(name, "ordered");
      if (this.#late.has(name)) lane.shareCallsOf(1);
      this.#byName.set(name, lane);
    }
    return lane;
  }

  /** A lane for free messages that are sent together, until all of them have settled. */
  unnamed(): Lane {
    const lane = new Lane(null, "ordered");
    this.#unnamed.add(lane);
    return lane;
  }

  /** @param maxLanes 1: the lane travels alone, also when it is empty meanwhile */
  shareCallsOf(lane: Lane, maxLanes: number): void {
    lane.shareCallsOf(maxLanes);
    if (lane.name === null) return;
    if (maxLanes > 1) this.#late.delete(lane.name);
    else if (this.#late.size < REMEMBERED_LATE_LANES) this.#late.add(lane.name);
  }

  retire(lane: Lane): void {
    if (lane.kind !== "ordered") return;
    lane.retire();
    if (lane.name === null) this.#unnamed.delete(lane);
    else if (this.#byName.get(lane.name) === lane) this.#byName.delete(lane.name);
  }

  /** All that may have messages. */
  all(): Lane[] {
    return [this.unrouted, this.free, ...this.#byName.values(), ...this.#unnamed];
  }
}
