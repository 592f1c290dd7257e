import type { MemberAssignment, Subscription } from "./member-metadata.ts";

/** A member with what it said. */
export interface JoinedMember extends Subscription {
  readonly memberId: string;
}

/**
 * Who gets what: every topic is shared out among those who want it, evenly, and everybody keeps as much as that allows. What
 * changes hands is given to nobody in this round: its owner has to give it back first and asks for another round then.
 */
export function assignPartitions(members: readonly JoinedMember[]): ReadonlyMap<string, MemberAssignment> {
  const assignments = new Map<string, MemberAssignment>();
  for (const [topic, subscribers] of Map.groupBy(members, (member) => member.topic)) {
    const owners = ownersOf(subscribers);
    const target = shareOut(subscribers, owners);
    const isFree = (partition: number, memberId: string): boolean => (owners.get(partition) ?? memberId) === memberId;
    const moving = [...target].some(([memberId, partitions]) => partitions.some((partition) => !isFree(partition, memberId)));
    for (const [memberId, partitions] of target) {
      const free = partitions.filter((partition) => isFree(partition, memberId)).toSorted((a, b) => a - b);
      assignments.set(memberId, { topic, partitions: free, moving });
    }
  }
  return assignments;
}

/** Of two that claim a partition the one who got it later is right; the other has missed that it lost it. */
function ownersOf(subscribers: readonly JoinedMember[]): ReadonlyMap<number, string> {
  const claims = new Map<number, JoinedMember>();
  for (const member of subscribers) {
    for (const partition of member.owned) {
      const other = claims.get(partition);
      if (other === undefined || isNewer(member, other)) claims.set(partition, member);
    }
  }
  return new Map([...claims].map(([partition, { memberId }]) => [partition, memberId]));
}

function isNewer(a: JoinedMember, b: JoinedMember): boolean {
  return a.generation === b.generation ? a.memberId < b.memberId : a.generation > b.generation;
}

function shareOut(subscribers: readonly JoinedMember[], owners: ReadonlyMap<number, string>): ReadonlyMap<string, number[]> {
  // The largest number counts: who has not yet seen that the topic grew does not hold the others back.
  const count = Math.max(...subscribers.map(({ partitionCount }) => partitionCount));
  const kept = new Map(subscribers.map(({ memberId }) => [memberId, [] as number[]]));
  for (let partition = 0; partition < count; partition += 1) kept.get(owners.get(partition) ?? "")?.push(partition);
  // Who has most keeps the larger shares, so that as little as possible moves.
  const order = [...kept].toSorted(([a, ofA], [b, ofB]) => ofB.length - ofA.length || (a < b ? -1 : 1));
  const least = Math.floor(count / order.length);
  const larger = count % order.length;
  const shares = order.map(([memberId, partitions], rank) => ({ memberId, partitions, size: least + (rank < larger ? 1 : 0) }));
  for (const share of shares) share.partitions = share.partitions.slice(0, share.size);
  const taken = new Set(shares.flatMap(({ partitions }) => partitions));
  let next = 0;
  for (const { partitions, size } of shares) {
    while (partitions.length < size) {
      while (taken.has(next)) next += 1;
      partitions.push(next);
      next += 1;
    }
  }
  return new Map(shares.map(({ memberId, partitions }) => [memberId, partitions]));
}
