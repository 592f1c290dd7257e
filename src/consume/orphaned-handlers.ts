import type { StreamError } from "../errors.ts";
import type { AssignmentState } from "./assignment-state.ts";
import { laneKeyOf } from "./key-lanes.ts";
import type { Work } from "./work.ts";

interface OrphanedHandler<T> {
  /** The ownership that waits for it; `null`: none has come since. */
  successor: AssignmentState<T> | null;
  /** Set when it has used up twice its time. */
  overdue: StreamError | null;
}

/**
 * Handlers that still run though their ownership of the partition is over. Their results count for nothing, but if the
 * partition comes back meanwhile, their keys are taken until they settle: handlers of one key never overlap in a member.
 */
export class OrphanedHandlers<T> {
  readonly #order: "key" | "partition" | "none";
  readonly #fail: (error: StreamError) => void;
  readonly #handlers = new Map<Work<T>, OrphanedHandler<T>>();

  /** `fail`: a key would have to wait for a handler that does not settle, time-out or not. */
  constructor(order: "key" | "partition" | "none", fail: (error: StreamError) => void) {
    this.#order = order;
    this.#fail = fail;
  }

  /** This ownership is over: what runs of it may run on. */
  add(state: AssignmentState<T>): void {
    for (const work of state.works) if (work.call !== null) this.#handlers.set(work, { successor: null, overdue: null });
  }

  /** A new ownership, before anything of it starts: finds the keys taken that former handlers of its partition have. */
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

  /** Its keys are free again. */
  settled(work: Work<T>): void {
    const lanes = this.#handlers.get(work)?.successor?.lanes;
    this.#handlers.delete(work);
    if (lanes === undefined) return;
    for (const key of this.#lanesOf(work)) {
      const lane = lanes.get(key);
      if (lane?.owner === work) lanes.release(lane);
    }
  }

  /** It has not settled in twice its time. While its keys are nobody's business here, that is no failure of this consumer. */
  overdue(work: Work<T>, error: StreamError): void {
    const successor = this.#handlers.get(work)?.successor ?? null;
    this.#handlers.set(work, { successor, overdue: error });
    if (successor?.current === true) this.#fail(error);
  }

  #lanesOf({ entries }: Work<T>): ReadonlySet<string> {
    return new Set(entries.map(({ key }) => laneKeyOf(this.#order, key)).filter((lane) => lane !== null));
  }
}
