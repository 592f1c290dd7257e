/** A group belongs to one topic: Kafka's own name of it says so. */
export function nativeGroupName(topic: string, group: string, nativeGroup: string | undefined): string {
  return nativeGroup ?? `${topic}.${group}`;
}

/** The other way round, for lists; groups that do not follow the rule keep their own name. */
export function groupOfNativeName(topic: string, nativeGroup: string): string {
  const prefix = `${topic}.`;
  return nativeGroup.startsWith(prefix) && nativeGroup.length > prefix.length ? nativeGroup.slice(prefix.length) : nativeGroup;
}
