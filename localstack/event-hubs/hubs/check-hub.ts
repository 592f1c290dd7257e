import { showName } from "../../../src/option-rules.ts";

/** https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsofteventhub */
const HUB_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,254}[a-z0-9])?$/i;
const GROUP_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,48}[a-z0-9])?$/i;
/** Of a dedicated cluster: https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas */
const MOST_PARTITIONS = 1_024;
const MOST_GROUPS = 1_000;

/** @returns why a hub cannot be made so; `null`: it can */
export function checkHub(name: string, partitions: number, groups: readonly string[]): string | null {
  const characters = "letters, digits, periods, hyphens and underscores, and begins and ends with a letter or a digit";
  if (!HUB_NAME.test(name)) return `the name of a hub has 1 to 256 ${characters}; received ${showName(name)}`;
  if (partitions > MOST_PARTITIONS) return `a hub has at most ${MOST_PARTITIONS} partitions; received ${partitions}`;
  if (groups.length > MOST_GROUPS) return `a hub has at most ${MOST_GROUPS} consumer groups; received ${groups.length}`;
  const group = groups.find((candidate) => !GROUP_NAME.test(candidate) && candidate.toLowerCase() !== "$default");
  return group === undefined ? null : `the name of a consumer group has 1 to 50 ${characters}; received ${showName(group)}`;
}
