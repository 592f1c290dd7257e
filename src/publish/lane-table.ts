import { Lane } from "./lane.ts";

/** Names of late lanes that are remembered while they are empty. */
const REMEMBERED_LATE_LANES = 1_024;

/** From so many lanes on, those without messages are let go before another one is made. */
const REMEMBERED_LANES = 4_096;

/**
 * The lanes that have messages, and a bounded number of others: a key that is busy keeps its lane between two messages. Nothing is known of
 * a lane without messages but whether it is late.
 */
export class LaneTable {
  /** Messages without a lane. */
  readonly free = new Lane(null, "free");
  /** Messages that wait for `prepare`. */
  readonly unrouted = new Lane(null, "unrouted");
  readonly #byName = new Map<string, Lane>();
  /** Lanes of messages without a lane name that are in calls or wait for a retry. */
  readonly #unnamed = new Set<Lane>();
  readonly #late = new Set<string>();
  #mostLanes = REMEMBERED_LANES;
  /** How often a lane has come to rest since those without messages were let go. */
  #rests = 0;

  /** How many are kept. */
  get size(): number {
    return this.#byName.size + this.#unnamed.size;
  }

  get areEmpty(): boolean {
    return this.all().every((lane) => lane.isEmpty);
  }

  named(name: string): Lane {
    let lane = this.#byName.get(name);
    if (lane === undefined) {
      if (this.#byName.size >= this.#mostLanes) this.#letGo();
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

  /** It has no messages any more. */
  rest(lane: Lane): void {
    if (lane.kind !== "ordered") return;
    lane.rest();
    if (lane.name === null) this.#unnamed.delete(lane);
    else if (lane.maxSharedLanes !== Infinity) lane.shareCallsOf(this.#late.has(lane.name) ? 1 : Infinity);
    this.#rests += 1;
    // After a burst of keys nobody may ask for a new lane, or for few.
    if (this.#mostLanes > REMEMBERED_LANES && this.#rests * 2 >= this.#mostLanes) this.#letGo();
  }

  /** Looks at all of them, so not before there are twice as many as have messages now. */
  #letGo(): void {
    this.#rests = 0;
    for (const [name, lane] of this.#byName) {
      if (!lane.isEmpty) continue;
      lane.retire();
      this.#byName.delete(name);
    }
    this.#mostLanes = Math.max(REMEMBERED_LANES, 2 * this.#byName.size);
  }

  /** All that may have messages. */
  all(): Lane[] {
    return [this.unrouted, this.free, ...this.#byName.values(), ...this.#unnamed];
  }
}
