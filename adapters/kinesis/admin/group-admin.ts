import type { DriverGroupDescription, GroupName, ListedGroup, PartitionPlace, StartPoint } from "../../../src/driver/index.ts";
import { type LeaseAdmin, leaseAdmin } from "../../../src/leases/index.ts";
import { classify, groupNotFound } from "../errors.ts";
import { groupOfTable, tableOf } from "../group/group-name.ts";
import { groupParts } from "../group/group-parts.ts";
import { storedGroups } from "../group/group-rows.ts";
import { Tables } from "../group/tables.ts";
import type { KinesisService } from "../service.ts";

/** The groups of streams. */
export class GroupAdmin {
  readonly #service: KinesisService;

  constructor(service: KinesisService) {
    this.#service = service;
  }

  #admin(topic: string, name: GroupName, initial: StartPoint | "fail" = "fail"): LeaseAdmin {
    return leaseAdmin(groupParts(this.#service, topic, name, { initial }));
  }

  #tables(topic: string): Tables {
    return new Tables(this.#service.connection, topic, this.#service.knownTables);
  }

  /** Also groups of a former stream of the name, which have to be reset or deleted. */
  async list(topic: string, signal: AbortSignal): Promise<readonly ListedGroup[]> {
    const { identity } = await this.#service.directory.usable(topic, signal);
    const groups = await storedGroups(this.#tables(topic), signal);
    const { cluster, topic: stream } = identity;
    return groups
      .filter(({ row }) => row.identity.cluster === cluster && row.identity.topic === stream)
      .map(({ table }) => ({ group: groupOfTable(topic, table), nativeGroup: table }));
  }

  async describe(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    const described = await this.#admin(topic, name).describe(signal);
    const nativeName = tableOf(topic, name);
    if (described === null) throw groupNotFound(topic, nativeName);
    return { nativeName, ...described };
  }

  planReset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    return this.#admin(topic, name, to).plan(to, signal);
  }

  async reset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    const parts = groupParts(this.#service, topic, name, { initial: to });
    // A place that cannot be resolved leaves no tables.
    await parts.source.resolve(to, signal);
    await parts.store.ensureTables(signal);
    await leaseAdmin(parts).reset(to, signal);
  }

  /** A table that the application has named stays, and so does one with items of others. One of a group that has never begun is dropped too. */
  async delete(topic: string, name: GroupName, signal: AbortSignal): Promise<void> {
    try {
      await this.#admin(topic, name).remove(signal);
    } catch (error) {
      if (classify(error).code === "not-found") await this.#dropIfEmpty(topic, name, signal);
      throw error;
    }
    await this.#dropIfEmpty(topic, name, signal);
  }

  async #dropIfEmpty(topic: string, name: GroupName, signal: AbortSignal): Promise<void> {
    if (name.nativeGroup !== undefined) return;
    const tables = this.#tables(topic);
    const table = tableOf(topic, name);
    if ((await tables.scan(table, signal)).length === 0) await tables.drop(table, signal);
  }
}
