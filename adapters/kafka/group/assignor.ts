import { fairShares } from "../../../src/adapter-kit/index.ts";
import type { MemberAssignment, Subscription } from "./member-metadata.ts";

/** A member with the subscription of its join request. */
export interface SubscribedMember extends Subscription {
  readonly memberId: string;
}

/**
 * Assigns each topic's partitions evenly to its subscribers. A member keeps as many of its partitions as an even assignment allows.
 * A partition that moves is not assigned in this rebalance: its owner has to release it first, and then starts another rebalance.
 */
export function assignPartitions(members: readonly SubscribedMember[]): ReadonlyMap<string, MemberAssignment> {
  const assignments = new Map<string, MemberAssignment>();
  for (const [topic, subscribers] of Map.groupBy(members, (member) => member.topic)) {
    const owners = ownersOf(subscribers);
    const target = sharesOf(subscribers, owners);
    const isFree = (partition: number, memberId: string): boolean => (owners.get(partition) ?? memberId) === memberId;
    const moving = [...target].some(([memberId, partitions]) => partitions.some((partition) => !isFree(partition, memberId)));
    for (const [memberId, partitions] of target) {
      const free = partitions.filter((partition) => isFree(partition, memberId)).toSorted((a, b) => a - b);
      assignments.set(memberId, { topic, partitions: free, moving });
    }
  }
  return assignments;
}

/** If two members claim a partition, the one of the newer generation owns it. The other one has not noticed the loss. */
function ownersOf(subscribers: readonly SubscribedMember[]): ReadonlyMap<number, string> {
  const claims = new Map<number, SubscribedMember>();
  for (const member of subscribers) {
    for (const partition of member.owned) {
      const other = claims.get(partition);
      if (other === undefined || isNewer(member, other)) claims.set(partition, member);
    }
  }
  return new Map([...claims].map(([partition, { memberId }]) => [partition, memberId]));
}

function isNewer(a: SubscribedMember, b: SubscribedMember): boolean {
  return a.generation === b.generation ? a.memberId < b.memberId : a.generation > b.generation;
}

function sharesOf(subscribers: readonly SubscribedMember[], owners: ReadonlyMap<number, string>): ReadonlyMap<string, number[]> {
  // The largest number counts. A member that has not yet seen new partitions does not keep them from the others.
  const count = Math.max(...subscribers.map(({ partitionCount }) => partitionCount));
  const partitions = Array.from({ length: count }, (_, partition) => partition);
  const members = subscribers.map(({ memberId }) => memberId).toSorted();
  const owned = new Map(members.map((memberId) => [memberId, partitions.filter((partition) => owners.get(partition) === memberId)]));
  return fairShares(owned, partitions);
}
