import type { StreamError } from "../errors.ts";
import type { AssignmentState } from "./assignment-state.ts";
import { laneKeyOf } from "./key-lanes.ts";
import type { Work } from "./work.ts";

interface OrphanedHandler<T> {
  /** The later ownership that waits for it; `null`: there is none yet. */
  successor: AssignmentState<T> | null;
  /** Set when the handler has not settled in twice its time. */
  overdue: StreamError | null;
}

/**
 * Handlers that still run though their ownership of the partition is over. Their results do not count. If this member is
 * assigned the partition again meanwhile, their keys stay held until they settle: handlers of one key never overlap in a member.
 */
export class OrphanedHandlers<T> {
  readonly #order: "key" | "partition" | "none";
  readonly #fail: (error: StreamError) => void;
  readonly #handlers = new Map<Work<T>, OrphanedHandler<T>>();

  /** `fail`: a key would have to wait for a handler that has not settled in twice its time. */
  constructor(order: "key" | "partition" | "none", fail: (error: StreamError) => void) {
    this.#order = order;
    this.#fail = fail;
  }

  /** This ownership is over: its handlers that run become orphans. */
  add(state: AssignmentState<T>): void {
    for (const work of state.works) if (work.call !== null) this.#handlers.set(work, { successor: null, overdue: null });
  }

  /** Called for a new ownership before anything of it starts: holds the keys of handlers of former ownerships of its partition. */
  holdBack(state: AssignmentState<T>): void {
    for (const [work, handler] of this.#handlers) {
      if (work.state.source.partition !== state.source.partition) continue;
      const lanes = this.#lanesOf(work);
      if (lanes.size === 0) continue;
      for (const key of lanes) state.lanes.hold(key, work);
      handler.successor = state;
      if (handler.overdue !== null) this.#fail(handler.overdue);
    }
  }

  /** The handler has settled: its keys are free again. */
  settled(work: Work<T>): void {
    const lanes = this.#handlers.get(work)?.successor?.lanes;
    this.#handlers.delete(work);
    if (lanes === undefined) return;
    for (const key of this.#lanesOf(work)) {
      const lane = lanes.get(key);
      if (lane?.owner === work) lanes.release(lane);
    }
  }

  /**
   * The handler has not settled in twice its time. The consumer fails only if a later ownership waits for its keys, or has been handled to
   * the end of its shard: then the shards that follow may hand out the same keys.
   */
  overdue(work: Work<T>, error: StreamError): void {
    const successor = this.#handlers.get(work)?.successor ?? null;
    this.#handlers.set(work, { successor, overdue: error });
    if (successor?.current === true || successor?.endSettled === true) this.#fail(error);
  }

  #lanesOf({ entries }: Work<T>): ReadonlySet<string> {
    return new Set(entries.map(({ key }) => laneKeyOf(this.#order, key)).filter((lane) => lane !== null));
  }
}
