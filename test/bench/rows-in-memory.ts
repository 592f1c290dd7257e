import type { GroupRow, Held, LeaseRow, LeaseStore, Version } from "../../src/leases/index.ts";

/** A store that costs next to nothing: rows are kept as they come. What is measured beside it is the engine's own work. */
export class RowsInMemory implements LeaseStore {
  readonly aheadBytes = 4_096;
  readonly #rows = new Map<string, Held<LeaseRow>>();
  #group: Held<GroupRow> | null = null;
  #writes = 0;

  #version(): Version {
    this.#writes += 1;
    return String(this.#writes);
  }

  async readGroup(): Promise<Held<GroupRow> | null> {
    return this.#group;
  }

  async writeGroup(before: Held<GroupRow> | null, row: GroupRow): Promise<Version | null> {
    if (this.#group?.version !== before?.version) return null;
    this.#group = { row, version: this.#version() };
    return this.#group.version;
  }

  async list(): Promise<readonly Held<LeaseRow>[]> {
    return [...this.#rows.values()];
  }

  async read(partition: string): Promise<Held<LeaseRow> | null> {
    return this.#rows.get(partition) ?? null;
  }

  async create(row: LeaseRow): Promise<Version | null> {
    return this.#rows.has(row.partition) ? null : this.#write(row);
  }

  async swap(before: Held<LeaseRow>, next: LeaseRow): Promise<Version | null> {
    return this.#rows.get(next.partition)?.version === before.version ? this.#write(next) : null;
  }

  #write(row: LeaseRow): Version {
    const version = this.#version();
    this.#rows.set(row.partition, { row, version });
    return version;
  }

  async remove({ row, version }: Held<LeaseRow>): Promise<boolean> {
    return this.#rows.get(row.partition)?.version === version && this.#rows.delete(row.partition);
  }

  async removeGroup({ version }: Held<GroupRow>): Promise<boolean> {
    if (this.#group?.version !== version) return false;
    this.#group = null;
    return true;
  }

  /** How many rows were written so far, the group's included. */
  get writes(): number {
    return this.#writes;
  }
}
