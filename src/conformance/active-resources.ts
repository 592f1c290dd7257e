/** The resources that keep this process alive (timers, sockets, pipes): how many there are of each kind. */
export type ActiveResources = ReadonlyMap<string, number>;

export function activeResources(): ActiveResources {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** The resources that were added since `before`, such as `Timeout +1`; empty when none was added. */
export function addedResources(before: ActiveResources, now = activeResources()): readonly string[] {
  return [...now].flatMap(([kind, count]) => {
    const added = count - (before.get(kind) ?? 0);
    return added > 0 ? [`${kind} +${added}`] : [];
  });
}
