import type { PartitionPlace } from "../../../src/driver/index.ts";
import type { GroupRow, Held, LeaseRow, LeaseStore, Version } from "../../../src/leases/index.ts";

/** Until the group has begun, it shows the places of another group as rows of a foreign client: they are where the group begins. */
export class AdoptingLeaseStore implements LeaseStore {
  readonly aheadBytes: number;
  readonly #store: LeaseStore;
  readonly #adopted: (signal: AbortSignal) => Promise<ReadonlyMap<string, PartitionPlace>>;
  #hasBegun = false;

  constructor(store: LeaseStore, adopted: (signal: AbortSignal) => Promise<ReadonlyMap<string, PartitionPlace>>) {
    this.aheadBytes = store.aheadBytes;
    this.#store = store;
    this.#adopted = adopted;
  }

  async readGroup(signal: AbortSignal): Promise<Held<GroupRow> | null> {
    const held = await this.#store.readGroup(signal);
    this.#hasBegun = held !== null;
    return held;
  }

  async writeGroup(before: Held<GroupRow> | null, next: GroupRow, signal: AbortSignal): Promise<Version | null> {
    const version = await this.#store.writeGroup(before, next, signal);
    if (version !== null) this.#hasBegun = true;
    return version;
  }

  async list(signal: AbortSignal): Promise<readonly Held<LeaseRow>[]> {
    if (this.#hasBegun) return this.#store.list(signal);
    const [rows, places] = await Promise.all([this.#store.list(signal), this.#adopted(signal)]);
    return [...rows, ...[...places].map(([partition, place]) => ({ row: foreignRow(partition, place), version: "" }))];
  }

  read(partition: string, signal: AbortSignal): Promise<Held<LeaseRow> | null> {
    return this.#store.read(partition, signal);
  }

  create(row: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    return this.#store.create(row, signal);
  }

  swap(before: Held<LeaseRow>, next: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    return this.#store.swap(before, next, signal);
  }

  remove(before: Held<LeaseRow>, signal: AbortSignal): Promise<boolean> {
    return this.#store.remove(before, signal);
  }

  removeGroup(before: Held<GroupRow>, signal: AbortSignal): Promise<boolean> {
    return this.#store.removeGroup(before, signal);
  }
}

function foreignRow(partition: string, place: PartitionPlace): LeaseRow {
  const nobody = { owner: null, epoch: 0n, beat: 0n, holdMs: null, wantedBy: null };
  return { groupId: null, partition, parents: [], ...nobody, place, ahead: null, emptyUntilMs: null, moved: 0n };
}
