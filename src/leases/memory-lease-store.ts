import type { GroupRow, Held, LeaseRow, Version } from "./lease-row.ts";
import type { LeaseStore } from "./lease-store.ts";
import { type Columns, groupColumns, groupRowOf, leaseColumns, leaseRowOf } from "./row-columns.ts";

interface StoredItem {
  readonly columns: Columns;
  readonly version: Version;
}

const AHEAD_BYTES = 4_096;
/** The key of the group row. Rows of partitions have a prefix, so that no partition can have this name. */
const GROUP_KEY = "group";

/** A store in this process, as columns of text like the real ones: nothing that a member changes afterwards changes the store. */
export class MemoryLeaseStore implements LeaseStore {
  readonly aheadBytes: number;
  readonly #items = new Map<string, StoredItem>();
  #writes = 0;

  constructor(aheadBytes = AHEAD_BYTES) {
    this.aheadBytes = aheadBytes;
  }

  async readGroup(): Promise<Held<GroupRow> | null> {
    return this.#read(GROUP_KEY, groupRowOf);
  }

  async writeGroup(before: Held<GroupRow> | null, next: GroupRow): Promise<Version | null> {
    return this.#write(GROUP_KEY, before?.version ?? null, groupColumns(next), before === null ? {} : groupColumns(before.row));
  }

  async list(): Promise<readonly Held<LeaseRow>[]> {
    return [...this.#items.keys()].filter((key) => key !== GROUP_KEY).map((key) => this.#read(key, leaseRowOf)!);
  }

  async read(partition: string): Promise<Held<LeaseRow> | null> {
    return this.#read(keyOf(partition), leaseRowOf);
  }

  async create(row: LeaseRow): Promise<Version | null> {
    return this.#write(keyOf(row.partition), null, leaseColumns(row), {});
  }

  async swap(before: Held<LeaseRow>, next: LeaseRow): Promise<Version | null> {
    return this.#write(keyOf(next.partition), before.version, leaseColumns(next), leaseColumns(before.row));
  }

  async remove(before: Held<LeaseRow>): Promise<boolean> {
    return this.#remove(keyOf(before.row.partition), before.version);
  }

  async removeGroup(before: Held<GroupRow>): Promise<boolean> {
    return this.#remove(GROUP_KEY, before.version);
  }

  #read<Row>(key: string, parse: (columns: Columns) => Row): Held<Row> | null {
    const item = this.#items.get(key);
    return item === undefined ? null : { row: parse(item.columns), version: item.version };
  }

  /** Columns of other clients stay: only the former columns of the row itself are replaced. */
  #write(key: string, expected: Version | null, next: Columns, former: Columns): Version | null {
    const item = this.#items.get(key);
    if ((item?.version ?? null) !== expected) return null;
    const foreign = Object.entries(item?.columns ?? {}).filter(([name]) => !(name in former));
    this.#writes += 1;
    const version = String(this.#writes);
    this.#items.set(key, { columns: { ...Object.fromEntries(foreign), ...next }, version });
    return version;
  }

  #remove(key: string, expected: Version): boolean {
    return this.#items.get(key)?.version === expected && this.#items.delete(key);
  }

  /** For tests and operators: the columns as they are stored, also those of other clients. */
  columnsOf(partition: string): Columns | undefined {
    return this.#items.get(keyOf(partition))?.columns;
  }

  /** For tests and operators: changes columns of a row as another client would; `undefined` removes a column. Creates the row if need be. */
  edit(partition: string, columns: Readonly<Record<string, string | undefined>>): void {
    const merged = { ...this.columnsOf(partition), ...columns };
    this.#writes += 1;
    const kept = Object.entries(merged).filter((column): column is [string, string] => column[1] !== undefined);
    this.#items.set(keyOf(partition), { columns: Object.fromEntries(kept), version: String(this.#writes) });
  }

  /** For tests and operators: deletes a row, or with `null` the group row, whoever owns it. */
  erase(partition: string | null): void {
    this.#items.delete(partition === null ? GROUP_KEY : keyOf(partition));
  }
}

function keyOf(partition: string): string {
  return `partition ${partition}`;
}
