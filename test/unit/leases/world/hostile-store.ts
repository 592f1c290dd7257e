import { StreamError } from "../../../../src/driver/index.ts";
import type { GroupRow, Held, LeaseRow, LeaseStore, Version } from "../../../../src/leases/index.ts";
import type { Process } from "./virtual-clock.ts";

export type StoreCall = "readGroup" | "writeGroup" | "list" | "read" | "create" | "swap" | "remove" | "removeGroup";

/** What happens to one call. Times in milliseconds. */
export type StoreFault =
  /** Carried out; the answer is lost. */
  | { readonly kind: "lost-answer" }
  /** Not carried out. */
  | { readonly kind: "refused" }
  /** The answer is lost, and the call is carried out so much later. */
  | { readonly kind: "late"; readonly ms: number }
  /** Both are slow. */
  | { readonly kind: "slow"; readonly beforeMs: number; readonly afterMs: number }
  /** A store of several objects: the one with owner, epoch and beat is written, the others are not, and the answer is lost. */
  | { readonly kind: "partial" }
  | { readonly kind: "forbidden" };

/** A write that has changed the store. */
export interface LandedWrite {
  readonly by: string;
  readonly before: LeaseRow | null;
  readonly after: LeaseRow | null;
}

export interface StoreHooks {
  /** Decides what happens to a call of a process; `null`: nothing bad. */
  fault?(call: StoreCall, row: LeaseRow | GroupRow | null): StoreFault | null;
  called?(call: StoreCall, row: LeaseRow | GroupRow | null): void;
  answered?(call: StoreCall, row: LeaseRow | GroupRow | null): void;
  landed?(write: LandedWrite): void;
}

/** The store as one process reaches it. */
export class HostileStore implements LeaseStore {
  readonly #store: LeaseStore;
  readonly #process: Process;
  readonly #name: string;
  readonly #hooks: StoreHooks;

  constructor(store: LeaseStore, process: Process, name: string, hooks: StoreHooks) {
    this.#store = store;
    this.#process = process;
    this.#name = name;
    this.#hooks = hooks;
  }

  get aheadBytes(): number {
    return this.#store.aheadBytes;
  }

  readGroup(signal: AbortSignal): Promise<Held<GroupRow> | null> {
    return this.#call("readGroup", null, () => this.#store.readGroup(signal));
  }

  writeGroup(before: Held<GroupRow> | null, next: GroupRow, signal: AbortSignal): Promise<Version | null> {
    return this.#call("writeGroup", next, () => this.#store.writeGroup(before, next, signal));
  }

  list(signal: AbortSignal): Promise<readonly Held<LeaseRow>[]> {
    return this.#call("list", null, () => this.#store.list(signal));
  }

  read(partition: string, signal: AbortSignal): Promise<Held<LeaseRow> | null> {
    return this.#call("read", null, () => this.#store.read(partition, signal));
  }

  create(row: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    return this.#call("create", row, async () => {
      const version = await this.#store.create(row, signal);
      if (version !== null) this.#landed(null, row);
      return version;
    });
  }

  swap(before: Held<LeaseRow>, next: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    const write = async (written: LeaseRow): Promise<Version | null> => {
      const version = await this.#store.swap(before, written, signal);
      if (version !== null) this.#landed(before.row, written);
      return version;
    };
    const part = { ...before.row, owner: next.owner, epoch: next.epoch, beat: next.beat };
    return this.#call(
      "swap",
      next,
      () => write(next),
      () => write(part),
    );
  }

  remove(before: Held<LeaseRow>, signal: AbortSignal): Promise<boolean> {
    return this.#call("remove", before.row, async () => {
      const isRemoved = await this.#store.remove(before, signal);
      if (isRemoved) this.#landed(before.row, null);
      return isRemoved;
    });
  }

  removeGroup(before: Held<GroupRow>, signal: AbortSignal): Promise<boolean> {
    return this.#call("removeGroup", before.row, () => this.#store.removeGroup(before, signal));
  }

  #landed(before: LeaseRow | null, after: LeaseRow | null): void {
    this.#hooks.landed?.({ by: this.#name, before, after });
  }

  async #call<T>(call: StoreCall, row: LeaseRow | GroupRow | null, carryOut: () => Promise<T>, carryOutPart = carryOut): Promise<T> {
    this.#hooks.called?.(call, row);
    try {
      return await this.#process.through(this.#outcome(this.#hooks.fault?.(call, row) ?? null, carryOut, carryOutPart));
    } finally {
      this.#hooks.answered?.(call, row);
    }
  }

  async #outcome<T>(fault: StoreFault | null, carryOut: () => Promise<T>, carryOutPart: () => Promise<T>): Promise<T> {
    switch (fault?.kind) {
      case undefined:
        return carryOut();
      case "lost-answer":
        await carryOut();
        throw unavailable();
      case "partial":
        await carryOutPart();
        throw unavailable();
      case "refused":
        throw unavailable();
      case "late":
        void this.#process.outside(fault.ms).then(carryOut);
        throw unavailable();
      case "slow": {
        await this.#process.outside(fault.beforeMs);
        const answer = await carryOut();
        await this.#process.outside(fault.afterMs);
        return answer;
      }
      case "forbidden":
        throw new StreamError("permission-denied", "the store does not permit this");
    }
  }
}

function unavailable(): StreamError {
  return new StreamError("unavailable", "the store did not answer");
}
