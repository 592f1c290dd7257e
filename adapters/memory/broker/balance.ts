/**
 * Decides which member owns which partition. The shares are as equal as possible, and as few partitions as possible move. Each member
 * keeps its partitions up to its share; the others go to the members with the fewest.
 * @param owned the partitions that each member has now
 * @param partitions all partitions that need an owner
 */
export function balance<Member>(owned: ReadonlyMap<Member, readonly string[]>, partitions: readonly string[]): Map<string, Member> {
  const target = new Map<string, Member>();
  if (owned.size === 0) return target;
  const assignable = new Set(partitions);
  const members = [...owned].map(([member, had]) => ({ member, kept: had.filter((partition) => assignable.has(partition)) }));
  members.sort((a, b) => b.kept.length - a.kept.length);
  const least = Math.floor(partitions.length / members.length);
  const withOneMore = partitions.length % members.length;
  members.forEach((seat, rank) => {
    seat.kept = seat.kept.slice(0, least + (rank < withOneMore ? 1 : 0));
    for (const partition of seat.kept) target.set(partition, seat.member);
  });
  for (const partition of partitions) {
    if (target.has(partition)) continue;
    const fewest = members.reduce((best, next) => (next.kept.length < best.kept.length ? next : best));
    fewest.kept.push(partition);
    target.set(partition, fewest.member);
  }
  return target;
}
