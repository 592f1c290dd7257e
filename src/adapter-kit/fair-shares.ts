/**
 * Which member owns which partition: the shares are as equal as possible, and as few partitions as possible move. Each member keeps its
 * partitions up to its share, the first ones that it names; the members with the most partitions have the larger shares. The others go to the
 * members with the fewest.
 * @param owned the partitions that each member has now. Of two members with as many, the first one is preferred
 * @param partitions all that need an owner, in order
 * @returns the partitions of each member
 */
export function fairShares<Member, Partition>(
  owned: ReadonlyMap<Member, readonly Partition[]>,
  partitions: readonly Partition[],
): Map<Member, Partition[]> {
  if (owned.size === 0) return new Map();
  const assignable = new Set(partitions);
  const members = [...owned].map(([member, had]) => ({ member, had: had.filter((partition) => assignable.has(partition)) }));
  members.sort((a, b) => b.had.length - a.had.length);
  const least = Math.floor(partitions.length / members.length);
  const larger = partitions.length % members.length;
  const shares = members.map(({ member, had }, rank) => {
    const size = least + (rank < larger ? 1 : 0);
    return { member, size, kept: had.slice(0, size) };
  });
  const taken = new Set(shares.flatMap(({ kept }) => kept));
  const free = partitions.filter((partition) => !taken.has(partition));
  let next = 0;
  for (const { kept, size } of shares) {
    const added = free.slice(next, next + size - kept.length);
    next += added.length;
    kept.push(...added);
  }
  return new Map(shares.map(({ member, kept }) => [member, kept]));
}
