/** A group belongs to one topic: Kafka's own name of it says so. */
export function nativeGroupName(topic: string, group: string, nativeGroup: string | undefined): string {
  return nativeGroup ?? `${topic}.${group}`;
}

/** The other way round, for lists; `null` for groups that do not follow the rule. */
export function groupOfNativeName(topic: string, nativeGroup: string): string | null {
  const prefix = `${topic}.`;
  return nativeGroup.startsWith(prefix) && nativeGroup.length > prefix.length ? nativeGroup.slice(prefix.length) : null;
}
