import type { GroupRow, Held, LeaseRow, LeaseStore, MemoryLeaseStore, Version } from "../../src/leases/index.ts";
import type { CallKind } from "./broker/faults.ts";
import type { Service } from "./service.ts";

/** The leases of one group as one connection reaches them: every call takes its time, and meets the faults that are planned for it. */
export class ServedLeaseStore implements LeaseStore {
  readonly #service: Service;
  readonly #topicName: string;
  readonly #rows: MemoryLeaseStore;

  constructor(service: Service, topic: string, rows: MemoryLeaseStore) {
    this.#service = service;
    this.#topicName = topic;
    this.#rows = rows;
  }

  get aheadBytes(): number {
    return this.#rows.aheadBytes;
  }

  async #enter(kind: CallKind, operation: string, partitions: readonly string[] | null, signal: AbortSignal): Promise<void> {
    const entering = this.#service.enter({ kind, operation, topic: this.#topicName, partitions, bytes: 0 }, signal);
    if (entering !== undefined) await entering;
    // A call that was given up on its way must change nothing any more.
    signal.throwIfAborted();
  }

  async readGroup(signal: AbortSignal): Promise<Held<GroupRow> | null> {
    await this.#enter("watch", "readGroup", null, signal);
    return this.#rows.readGroup();
  }

  async writeGroup(before: Held<GroupRow> | null, next: GroupRow, signal: AbortSignal): Promise<Version | null> {
    await this.#enter("watch", "writeGroup", null, signal);
    return this.#rows.writeGroup(before, next);
  }

  async list(signal: AbortSignal): Promise<readonly Held<LeaseRow>[]> {
    await this.#enter("watch", "listLeases", null, signal);
    return this.#rows.list();
  }

  async read(partition: string, signal: AbortSignal): Promise<Held<LeaseRow> | null> {
    await this.#enter("watch", "readLease", [partition], signal);
    return this.#rows.read(partition);
  }

  async create(row: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    await this.#enter("watch", "createLease", [row.partition], signal);
    return this.#rows.create(row);
  }

  async swap(before: Held<LeaseRow>, next: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    const isCommit = isSettlement(before.row, next);
    await this.#enter(isCommit ? "commit" : "renewal", isCommit ? "commit" : "writeLease", [next.partition], signal);
    return this.#rows.swap(before, next);
  }

  async remove(before: Held<LeaseRow>, signal: AbortSignal): Promise<boolean> {
    await this.#enter("watch", "removeLease", [before.row.partition], signal);
    return this.#rows.remove(before);
  }

  async removeGroup(before: Held<GroupRow>, signal: AbortSignal): Promise<boolean> {
    await this.#enter("watch", "removeGroup", null, signal);
    return this.#rows.removeGroup(before);
  }
}

/** Does the owner store progress? A renewal changes neither the place nor what is ahead of it, and a reset is not the owner's. */
function isSettlement(before: LeaseRow, next: LeaseRow): boolean {
  return next.moved === before.moved && (next.place !== before.place || next.ahead !== before.ahead);
}
