import type { PartitionPlace } from "../../../src/driver/index.ts";
import type { GroupRow, Held, LeaseRow, LeaseStore, Version } from "../../../src/leases/index.ts";
import { isNamed } from "../errors.ts";
import { StoredGroupRow } from "./group-rows.ts";
import { LEASE_KEY, heldLease, isLease } from "./lease-item.ts";
import { createOf, deleteOf, keyOf, updateOf } from "./lease-writes.ts";
import type { Item, Tables } from "./tables.ts";

/**
 * Some thousand unfinished messages, as they are packed. An item has up to 400 KiB, and each KiB of it costs a unit a write:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
const AHEAD_BYTES = 16_384;

/** Where rows of the Kinesis Client Library start that name no position. */
export interface AdoptedStarts {
  /** The ends of all shards now. */
  latest(signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>>;
  /** The library keeps the time in the settings of its application. */
  readonly timestamp: PartitionPlace;
}

/**
 * The leases of one group in a table of its own, with the columns of the Kinesis Client Library, so that its tables can be adopted. Columns and
 * items of others stay as they are.
 */
export class DynamoLeaseStore implements LeaseStore {
  readonly aheadBytes = AHEAD_BYTES;
  readonly #tables: Tables;
  readonly #table: string;
  readonly #adopted: AdoptedStarts;
  readonly #group: StoredGroupRow;
  /** Where the group starts, once its row is known: `LATEST` and `AT_TIMESTAMP` of adopted rows are resolved once. */
  #starts: GroupRow["start"] | null = null;

  constructor(tables: Tables, table: string, adopted: AdoptedStarts) {
    this.#tables = tables;
    this.#table = table;
    this.#adopted = adopted;
    this.#group = new StoredGroupRow(tables, table);
  }

  /** Creates what is missing. A write does that as well, but takes longer then. */
  async ensureTables(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#group.ensureTableOnce(signal), this.#tables.ensureOnce(this.#table, LEASE_KEY, signal)]);
  }

  #ensureTable(signal: AbortSignal): Promise<void> {
    return this.#tables.ensure(this.#table, LEASE_KEY, signal);
  }

  async readGroup(signal: AbortSignal): Promise<Held<GroupRow> | null> {
    const held = await this.#group.read(signal);
    this.#starts = held?.row.start ?? null;
    return held;
  }

  async writeGroup(before: Held<GroupRow> | null, next: GroupRow, signal: AbortSignal): Promise<Version | null> {
    const version = await this.#group.write(before, next, signal);
    if (version !== null) this.#starts = next.start;
    return version;
  }

  removeGroup(before: Held<GroupRow>, signal: AbortSignal): Promise<boolean> {
    return this.#group.remove(before, signal);
  }

  async list(signal: AbortSignal): Promise<readonly Held<LeaseRow>[]> {
    const items = await this.#tables.scan(this.#table, signal);
    return this.#held(items.filter(isLease), signal);
  }

  async read(partition: string, signal: AbortSignal): Promise<Held<LeaseRow> | null> {
    const item = await this.#tables.get(this.#table, keyOf(partition), signal);
    return item === null || !isLease(item) ? null : (await this.#held([item], signal))[0]!;
  }

  async #held(items: readonly Item[], signal: AbortSignal): Promise<readonly Held<LeaseRow>[]> {
    let asksForEnds = false;
    const placeOf =
      (starts: ReadonlyMap<string, PartitionPlace> | null) =>
      (partition: string, kind: "latest" | "timestamp"): PartitionPlace => {
        // Another member may have been given another time. The first one has decided.
        if (kind === "timestamp" && this.#starts === null) return this.#adopted.timestamp;
        asksForEnds ||= kind === "latest";
        return starts?.get(partition) ?? { kind: "earliest" };
      };
    const rows = items.map((item) => heldLease(item, placeOf(this.#starts)));
    if (!asksForEnds || this.#starts !== null) return rows;
    const ends = await this.#adopted.latest(signal);
    return items.map((item) => heldLease(item, placeOf(ends)));
  }

  async create(row: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    const { input, version } = createOf(this.#table, row);
    try {
      return (await this.#tables.put(input, signal)) ? version : null;
    } catch (error) {
      if (!isNamed(error, "ResourceNotFoundException")) throw error;
      await this.#ensureTable(signal);
      return (await this.#tables.put(input, signal)) ? version : null;
    }
  }

  async swap(before: Held<LeaseRow>, row: LeaseRow, signal: AbortSignal): Promise<Version | null> {
    const { input, version } = updateOf(this.#table, before, row);
    return (await this.#tables.update(input, signal)) ? version : null;
  }

  remove(before: Held<LeaseRow>, signal: AbortSignal): Promise<boolean> {
    return this.#tables.delete(deleteOf(this.#table, before), signal);
  }
}
