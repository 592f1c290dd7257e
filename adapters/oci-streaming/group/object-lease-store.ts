import { inParallel } from "../../../src/adapter-kit/index.ts";
import {
  type GroupRow,
  type Held,
  type LeaseRow,
  type LeaseStore,
  type Version,
  groupColumns,
  groupRowOf,
  leaseColumns,
  leaseRowOf,
} from "../../../src/leases/index.ts";
import type { ObjectCalls } from "./object-calls.ts";

/** What is written beside a place; an object may be larger, but each write sends all of it. */
const AHEAD_BYTES = 16_384;

type Columns = Readonly<Record<string, string>>;

interface Known {
  readonly etag: Version;
  readonly columns: Columns;
}

/**
 * The leases of one group in Object Storage: an object for the group, and one for each partition, both JSON objects of texts. What others have
 * written into them stays. Only those that have changed are read again.
 */
export class ObjectLeaseStore implements LeaseStore {
  readonly aheadBytes = AHEAD_BYTES;
  readonly #objects: ObjectCalls;
  readonly #prefix: string;
  /** As they were read or written last, by their names. */
  readonly #known = new Map<string, Known>();

  /** @param prefix of the names of its objects, with a slash at its end */
  constructor(objects: ObjectCalls, prefix: string) {
    this.#objects = objects;
    this.#prefix = prefix;
  }

  get #groupName(): string {
    return `${this.#prefix}group`;
  }

  get #leasePrefix(): string {
    return `${this.#prefix}partitions/`;
  }

  #leaseName(partition: string): string {
    return this.#leasePrefix + partition;
  }

  async readGroup(signal: AbortSignal): Promise<Held<GroupRow> | null> {
    const known = await this.#read(this.#groupName, signal);
    return known === null ? null : { row: groupRowOf(known.columns), version: known.etag };
  }

  async #read(name: string, signal: AbortSignal): Promise<Known | null> {
    const found = await this.#objects.read(name, signal);
    if (found === null) {
      this.#known.delete(name);
      return null;
    }
    const known = { etag: found.etag, columns: columnsOf(found.text) };
    this.#known.set(name, known);
    return known;
  }

  writeGroup(before: Held<GroupRow> | null, next: GroupRow, signal: AbortSignal): Promise<Version | null> {
    const former = before === null ? null : groupColumns(before.row);
    return this.#write(this.#groupName, before?.version ?? null, former, groupColumns(next), signal);
  }

  async #write(name: string, version: Version | null, former: Columns | null, next: Columns, signal: AbortSignal): Promise<Version | null> {
    let foreign: Columns = {};
    if (version !== null) {
      const known = this.#known.get(name);
      const current = known?.etag === version ? known : await this.#read(name, signal);
      if (current?.etag !== version) return null;
      foreign = Object.fromEntries(Object.entries(current.columns).filter(([column]) => !Object.hasOwn(former ?? {}, column)));
    }
    const columns = { ...foreign, ...next };
    const etag = await this.#objects.write(name, JSON.stringify(columns), version, signal);
    if (etag !== null) this.#known.set(name, { etag, columns });
    return etag;
  }

  async list(signal: AbortSignal): Promise<readonly Held<LeaseRow>[]> {
    const listed = await this.#objects.list(this.#leasePrefix, signal);
    const found = await inParallel(listed, async ({ name, etag }) => {
      const known = this.#known.get(name);
      return known?.etag === etag ? known : this.#read(name, signal);
    });
    return found.filter((known) => known !== null).map(({ etag, columns }) => ({ row: leaseRowOf(columns), version: etag }));
  }

  async read(partition: string, signal: AbortSignal): Promise<Held<LeaseRow> | null> {
    const known = await this.#read(this.#leaseName(partition), signal);
    return known === null ? null : { row: leaseRowOf(known.columns), version: known.etag };
  }

  create(row: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    return this.#write(this.#leaseName(row.partition), null, null, leaseColumns(row), signal);
  }

  swap({ row, version }: Held<LeaseRow>, next: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    return this.#write(this.#leaseName(row.partition), version, leaseColumns(row), leaseColumns(next), signal);
  }

  remove({ row, version }: Held<LeaseRow>, signal: AbortSignal): Promise<boolean> {
    return this.#objects.remove(this.#leaseName(row.partition), version, signal);
  }

  removeGroup({ version }: Held<GroupRow>, signal: AbortSignal): Promise<boolean> {
    return this.#objects.remove(this.#groupName, version, signal);
  }
}

/** @throws `SyntaxError` for anything but an object of texts */
function columnsOf(text: string): Columns {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && Object.values(value).every((column) => typeof column === "string"))
    return value as Columns;
  throw new SyntaxError("the object holds no columns");
}
