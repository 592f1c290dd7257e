import { StreamError } from "../driver/index.ts";
import type { Clock } from "./clock.ts";
import type { GroupRow, Held, LeaseRow, Version } from "./lease-row.ts";
import type { LeaseStore } from "./lease-store.ts";

/** How an engine reaches its store. */
export interface StoreAccess {
  readonly store: LeaseStore;
  readonly clock: Clock;
  /** Any error of the store as ours. */
  readonly classify: (error: unknown) => StreamError;
}

/** Ends the wait for a late answer. A shared reason, because making one for each call takes longer than all the rest. */
const ANSWERED = "the store has answered";

/** A store whose answers are awaited for so long and no longer. What is late counts as unknown, like everything that is rejected. */
export class BoundedStore implements LeaseStore {
  readonly #access: StoreAccess;
  readonly #requestMs: number;

  constructor(access: StoreAccess, requestMs: number) {
    this.#access = access;
    this.#requestMs = requestMs;
  }

  get aheadBytes(): number {
    return this.#access.store.aheadBytes;
  }

  readGroup(signal: AbortSignal): Promise<Held<GroupRow> | null> {
    return this.#call("read the group", signal, (store, within) => store.readGroup(within));
  }

  writeGroup(before: Held<GroupRow> | null, next: GroupRow, signal: AbortSignal): Promise<Version | null> {
    return this.#call("write the group", signal, (store, within) => store.writeGroup(before, next, within));
  }

  list(signal: AbortSignal): Promise<readonly Held<LeaseRow>[]> {
    return this.#call("list the leases", signal, (store, within) => store.list(within));
  }

  read(partition: string, signal: AbortSignal): Promise<Held<LeaseRow> | null> {
    return this.#call("read a lease", signal, (store, within) => store.read(partition, within));
  }

  create(row: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    return this.#call("create a lease", signal, (store, within) => store.create(row, within));
  }

  swap(before: Held<LeaseRow>, next: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    return this.#call("write a lease", signal, (store, within) => store.swap(before, next, within));
  }

  remove(before: Held<LeaseRow>, signal: AbortSignal): Promise<boolean> {
    return this.#call("remove a lease", signal, (store, within) => store.remove(before, within));
  }

  removeGroup(before: Held<GroupRow>, signal: AbortSignal): Promise<boolean> {
    return this.#call("remove the group", signal, (store, within) => store.removeGroup(before, within));
  }

  /** Rejects with a `StreamError`, or with the signal's reason. */
  async #call<T>(what: string, signal: AbortSignal, call: (store: LeaseStore, within: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const { store, clock, classify } = this.#access;
    const end = new AbortController();
    const abort = (): void => end.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const late = clock
      .sleep(this.#requestMs, end.signal)
      .then(() => end.abort(new StreamError("timeout", `the store of leases has not answered within ${this.#requestMs} ms (to ${what})`)));
    try {
      return await Promise.race([call(store, end.signal), rejection(late, end.signal)]);
    } catch (error) {
      signal.throwIfAborted();
      throw end.signal.aborted ? end.signal.reason : classify(error);
    } finally {
      signal.removeEventListener("abort", abort);
      end.abort(ANSWERED);
    }
  }
}

/** Rejects with the signal's reason when the wait is over in either way. */
async function rejection(wait: Promise<void>, signal: AbortSignal): Promise<never> {
  await wait.catch(() => undefined);
  throw signal.reason;
}
