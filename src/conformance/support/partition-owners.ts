import type { CaseContext } from "../case-context.ts";
import type { CaseTopic } from "../case-topic.ts";
import type { Member } from "../member.ts";

/** Waits until the members share the topic: each partition has an owner, and each member owns a partition if there are enough. */
export async function untilShared(context: CaseContext, topic: CaseTopic, members: readonly Member<unknown>[]): Promise<void> {
  const sharing = context.capabilities.partitions ? Math.min(members.length, topic.partitions.length) : members.length;
  await untilOwned(context, topic, members, () => members.filter(({ consumer }) => consumer.assigned.length > 0).length === sharing);
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
