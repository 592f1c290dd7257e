import type { CallOptions } from "../call-options.ts";
import type { ConnectionServices } from "../connection-services.ts";
import type { GroupName, ListedGroup } from "../driver/admin-driver.ts";
import type { Lag } from "../lag.ts";
import { encodeBookmark } from "../position/bookmark.ts";
import type { PartitionPlace, StartPoint } from "../position/place.ts";
import type { From } from "../position/range-types.ts";
import { checkFrom } from "../position/start-point.ts";
import { type AdminCall, adminCall, unlessDone } from "./admin-call.ts";
import type { GroupDescription } from "./admin-types.ts";

/** A topic's groups. */
export interface ListedGroups {
  /** The names by which the other calls mean them, each once. */
  readonly names: readonly string[];
  /** Native names of groups that no name of this connection means: groups of other clients, or hidden behind a mapping. */
  readonly natives: readonly string[];
}

export async function listGroups(services: ConnectionServices, topic: string, options?: CallOptions): Promise<readonly string[]> {
  return (await listedGroups(services, topic, options)).names;
}

export function listedGroups(services: ConnectionServices, topic: string, options?: CallOptions): Promise<ListedGroups> {
  return adminCall(services, "listGroups", topic, options, async (call) => {
    call.requireCapability("groupAdmin");
    const groups = await services.driver.admin.listGroups(services.checkedNativeTopic(topic), call.signal);
    const named = groups.map((listed) => ({ ...listed, name: nameOf(services, listed) }));
    return {
      names: named.flatMap(({ name }) => (name === null ? [] : [name])),
      natives: named.flatMap(({ name, nativeGroup }) => (name === null ? [nativeGroup] : [])),
    };
  });
}

/** The name by which the other calls mean this group, or `null`. */
function nameOf(services: ConnectionServices, { group, nativeGroup }: ListedGroup): string | null {
  const given = services.groupName(nativeGroup);
  if (given !== undefined) return given;
  // A name that was given to another group means that one.
  return group !== null && services.nativeGroup(group) === undefined ? group : null;
}

export function describeGroup(
  services: ConnectionServices,
  topic: string,
  group: string,
  options?: CallOptions,
): Promise<GroupDescription> {
  return adminCall(services, "describeGroup", topic, options, async (call) => {
    const nativeTopic = services.checkedNativeTopic(topic);
    const name = services.checkedGroup(group);
    const { nativeName, members, identity, places } = await services.driver.admin.describeGroup(nativeTopic, name, call.signal);
    return { name: group, nativeName, members, bookmark: places === null ? null : encodeBookmark(services.provider, identity, places) };
  });
}

export function resetGroup(services: ConnectionServices, topic: string, group: string, to: From, options?: CallOptions): Promise<void> {
  return adminCall(services, "resetGroup", topic, options, async (call) => {
    const reset = await checkedReset(services, topic, group, to, call);
    // Nothing is moved for a caller that has given up.
    call.signal.throwIfAborted();
    await services.driver.admin.resetGroup(reset.nativeTopic, reset.name, reset.start, call.signal);
  });
}

/** Where `resetGroup` would put the group, by partition; nothing is moved. For the command line, not of `Admin`. */
export function planReset(
  services: ConnectionServices,
  topic: string,
  group: string,
  to: From,
  options?: CallOptions,
): Promise<ReadonlyMap<string, PartitionPlace>> {
  return adminCall(services, "resetGroup", topic, options, async (call) => {
    const reset = await checkedReset(services, topic, group, to, call);
    return await services.driver.admin.planReset(reset.nativeTopic, reset.name, reset.start, call.signal);
  });
}

async function checkedReset(
  services: ConnectionServices,
  topic: string,
  group: string,
  to: From,
  call: AdminCall,
): Promise<{ readonly nativeTopic: string; readonly name: GroupName; readonly start: StartPoint }> {
  call.requireCapability("groupReset");
  const nativeTopic = services.checkedNativeTopic(topic);
  const name = services.checkedGroup(group);
  const { driver, provider, capabilities } = services;
  const checked = checkFrom("to", to, null, {
    provider,
    capabilities,
    requireCapability: (capability) => call.requireCapability(capability),
  });
  return { nativeTopic, name, start: await checked.resolve(() => driver.identity(nativeTopic, call.signal)) };
}

export function deleteGroup(services: ConnectionServices, topic: string, group: string, options?: CallOptions): Promise<void> {
  return adminCall(services, "deleteGroup", topic, options, async (call) => {
    call.requireCapability("groupAdmin");
    const nativeTopic = services.checkedNativeTopic(topic);
    const name = services.checkedGroup(group);
    await unlessDone(services, call, "not-found", () => services.driver.admin.deleteGroup(nativeTopic, name, call.signal));
  });
}

export function lag(services: ConnectionServices, topic: string, group: string, options?: CallOptions): Promise<Lag> {
  return adminCall(services, "lag", topic, options, async (call) => {
    // One of the two is enough; where both are missing, the error names `lagInMessages`.
    if (!services.capabilities.lagInTime) call.requireCapability("lagInMessages");
    const request = { partitions: null, initialPosition: null };
    return await services.driver.admin.lag(services.checkedNativeTopic(topic), services.checkedGroup(group), request, call.signal);
  });
}
