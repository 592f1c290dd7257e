/** What keeps this process alive, by kind and how many: timers, sockets, pipes. */
export type ActiveResources = ReadonlyMap<string, number>;

export function activeResources(): ActiveResources {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** What there is now beyond what there was, as `Timeout +1`; empty when nothing is. */
export function addedResources(before: ActiveResources, now = activeResources()): readonly string[] {
  return [...now].flatMap(([kind, count]) => {
    const added = count - (before.get(kind) ?? 0);
    return added > 0 ? [`${kind} +${added}`] : [];
  });
}
