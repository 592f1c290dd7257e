import type { GroupName } from "../../../src/driver/index.ts";

/** The longest string of the protocol, in bytes: https://kafka.apache.org/protocol.html#protocol_types */
const MAX_STRING_BYTES = 32_767;
const MAX_TOPIC_BYTES = 249;

/** @returns why the name cannot be that of a group, or `null` if it can */
export function refuseGroupName({ group, nativeGroup }: GroupName): string | null {
  const [name, maxBytes] = nativeGroup === undefined ? [group, MAX_STRING_BYTES - MAX_TOPIC_BYTES - 1] : [nativeGroup, MAX_STRING_BYTES];
  if (!name.isWellFormed()) return "a group's name is well-formed Unicode; received half of a surrogate pair";
  const bytes = Buffer.byteLength(name, "utf8");
  return bytes <= maxBytes ? null : `a group's name has at most ${maxBytes} bytes of UTF-8; received ${bytes}`;
}

/** A group belongs to one topic: Kafka's own name of it says so. */
export function nativeGroupName(topic: string, group: string, nativeGroup: string | undefined): string {
  return nativeGroup ?? `${topic}.${group}`;
}

/** The other way round, for lists; `null` for groups that do not follow the rule. */
export function groupOfNativeName(topic: string, nativeGroup: string): string | null {
  const prefix = `${topic}.`;
  return nativeGroup.startsWith(prefix) && nativeGroup.length > prefix.length ? nativeGroup.slice(prefix.length) : null;
}
