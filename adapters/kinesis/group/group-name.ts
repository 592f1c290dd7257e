import type { GroupName } from "../../../src/driver/index.ts";
import { streamNameOf } from "../stream-name.ts";

/** Of a DynamoDB table: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
const TABLE = /^[a-zA-Z0-9_.-]{3,255}$/;
const PREFIX = "streamport.";
const MOST_STREAM_CHARACTERS = 128;
/** What is left for the group, whatever its stream is called. */
const GROUP = new RegExp(`^[a-zA-Z0-9_.-]{1,${255 - PREFIX.length - MOST_STREAM_CHARACTERS - 1}}$`);

/** @returns why the name cannot be that of a group, or `null` if it can */
export function refuseGroupName({ group, nativeGroup }: GroupName): string | null {
  if (nativeGroup === undefined ? GROUP.test(group) : TABLE.test(nativeGroup)) return null;
  const what =
    nativeGroup === undefined ? "a group's name has 1 to 115" : "the native name of a group is that of a DynamoDB table: 3 to 255";
  return `${what} of the characters a-z, A-Z, 0-9, ".", "_" and "-"; received ${JSON.stringify((nativeGroup ?? group).slice(0, 80))}`;
}

/** The table with the leases of a group: `streamport.<stream>.<group>`. */
export function tableOf(topic: string, { group, nativeGroup }: GroupName): string {
  return nativeGroup ?? `${PREFIX}${streamNameOf(topic)}.${group}`;
}

/** The other way round, for lists; `null` for tables that do not follow the rule. */
export function groupOfTable(topic: string, table: string): string | null {
  const prefix = `${PREFIX}${streamNameOf(topic)}.`;
  return table.startsWith(prefix) && table.length > prefix.length ? table.slice(prefix.length) : null;
}
