import type { CaseContext } from "../case-context.ts";
import type { CaseTopic } from "../case-topic.ts";
import type { Member } from "../member.ts";

/**
 * Waits until the members share the topic for good: each partition has an owner, and the shares are as equal as they can be. Where members
 * ask each other for one partition after the other (leases), more would move before.
 */
export async function untilShared(context: CaseContext, topic: CaseTopic, members: readonly Member<unknown>[]): Promise<void> {
  const least = context.capabilities.partitions ? Math.floor(topic.partitions.length / members.length) : 1;
  const most = context.capabilities.partitions ? Math.ceil(topic.partitions.length / members.length) : 1;
  const hasItsShare = ({ consumer: { assigned } }: Member<unknown>): boolean => assigned.length >= least && assigned.length <= most;
  await untilOwned(context, topic, members, () => members.every(hasItsShare));
}

/** Waits until each partition is owned by one of the members, and the condition holds. */
export async function untilOwned(
  context: CaseContext,
  topic: CaseTopic,
  members: readonly Member<unknown>[],
  condition = (): boolean => true,
): Promise<void> {
  const owned = (): readonly string[] => members.flatMap(({ consumer }) => consumer.assigned);
  await context.until(
    () => condition() && new Set(owned()).size === topic.partitions.length,
    () =>
      `${members.length} members to share ${topic.partitions.length} partitions; they hold ${JSON.stringify(members.map(({ consumer }) => consumer.assigned))}`,
  );
}
