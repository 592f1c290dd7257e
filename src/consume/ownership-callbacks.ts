import { StreamError } from "../errors.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { ResolvedConsumerOptions } from "./consumer-options.ts";

/** Calls `onAssigned` and `onRevoked`, one after the other, in the order of the changes. */
export class OwnershipCallbacks<T> {
  readonly #options: Pick<ResolvedConsumerOptions, "onAssigned" | "onRevoked">;
  readonly #fail: (error: StreamError) => void;
  readonly #opened: () => void;
  #tail: Promise<void> = Promise.resolve();
  #assigned: AssignmentState<T>[] = [];

  /** `opened`: the messages of an assignment may start now. */
  constructor(options: Pick<ResolvedConsumerOptions, "onAssigned" | "onRevoked">, fail: (error: StreamError) => void, opened: () => void) {
    this.#options = options;
    this.#fail = fail;
    this.#opened = opened;
  }

  /** Partitions that are assigned in one turn share one call. Their messages start when the callback has settled. */
  assigned(state: AssignmentState<T>): void {
    const { onAssigned } = this.#options;
    if (onAssigned === undefined) {
      state.start();
      return;
    }
    this.#assigned.push(state);
    if (this.#assigned.length > 1) return;
    const call = async (): Promise<void> => {
      const states = this.#assigned;
      this.#assigned = [];
      if (!(await this.#call("onAssigned", onAssigned, states))) return;
      for (const state of states) state.start();
      this.#opened();
    };
    this.#tail = this.#tail.then(call);
  }

  /** Resolves when the callback has settled. Never rejects. */
  revoked(states: readonly AssignmentState<T>[]): Promise<void> {
    const { onRevoked } = this.#options;
    if (onRevoked === undefined || states.length === 0) return this.#tail;
    const call = async (): Promise<void> => {
      await this.#call("onRevoked", onRevoked, states);
    };
    this.#tail = this.#tail.then(call);
    return this.#tail;
  }

  async #call(name: string, callback: (partitions: readonly string[]) => unknown, states: readonly AssignmentState<T>[]): Promise<boolean> {
    try {
      await callback(states.map(({ assignment }) => assignment.partition));
      return true;
    } catch (cause) {
      this.#fail(new StreamError("handler-failed", `${name} failed`, { cause, operation: "consume" }));
      return false;
    }
  }
}
