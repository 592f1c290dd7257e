import type { DriverGroupDescription, GroupName, ListedGroup, PartitionPlace, StartPoint } from "../../../src/driver/index.ts";
import { type LeaseAdmin, leaseAdmin } from "../../../src/leases/index.ts";
import { groupNotFound } from "../errors.ts";
import { groupParts } from "../group/group-parts.ts";
import type { OciService } from "../service.ts";

/** The groups of streams. */
export class GroupAdmin {
  readonly #service: OciService;

  constructor(service: OciService) {
    this.#service = service;
  }

  async #admin(topic: string, name: GroupName, signal: AbortSignal): Promise<LeaseAdmin> {
    return leaseAdmin(await groupParts(this.#service, topic, name, { signal }));
  }

  async list(topic: string, signal: AbortSignal): Promise<readonly ListedGroup[]> {
    const stream = await this.#service.directory.usableNow(topic, signal);
    return (await this.#service.groups.list(stream, signal)).map((group) => ({ group, nativeGroup: group }));
  }

  async describe(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    const nativeName = name.nativeGroup ?? name.group;
    const described = await (await this.#admin(topic, name, signal)).describe(signal);
    if (described === null) throw groupNotFound(topic, nativeName);
    return { nativeName, ...described };
  }

  async planReset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    return (await this.#admin(topic, name, signal)).plan(to, signal);
  }

  async reset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    await (await this.#admin(topic, name, signal)).reset(to, signal);
  }

  async delete(topic: string, name: GroupName, signal: AbortSignal): Promise<void> {
    await (await this.#admin(topic, name, signal)).remove(signal);
  }
}
