import type { GroupName } from "../../src/driver/index.ts";

/** https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsofteventhub */
const HUB = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?$/;
const GROUP = /^(?:\$Default|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?)$/i;

/** @returns why the name cannot be that of a hub, or `null` if it can */
export function refuseTopicName(name: string): string | null {
  if (HUB.test(name)) return null;
  return `a hub's name has 1 to 256 of the characters a-z, A-Z, 0-9, ".", "_" and "-", and begins and ends with a letter or digit; received ${JSON.stringify(name.slice(0, 80))}`;
}

/** @returns why the name cannot be that of a consumer group, or `null` if it can */
export function refuseGroupName({ group, nativeGroup = group }: GroupName): string | null {
  if (GROUP.test(nativeGroup)) return null;
  return `a consumer group's name has 1 to 50 of the characters a-z, A-Z, 0-9, ".", "_" and "-", and begins and ends with a letter or digit; received ${JSON.stringify(nativeGroup.slice(0, 80))}`;
}
