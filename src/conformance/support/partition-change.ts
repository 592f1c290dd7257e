import type { Capability } from "../../capabilities.ts";
import { expectEqual, expectUnsupported } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { DEFAULT_TOPIC } from "../case-topic.ts";

export const MORE_PARTITIONS = DEFAULT_TOPIC.partitions * 2;

export const FEWER_PARTITIONS = DEFAULT_TOPIC.partitions / 2;

type CaseBody = (context: CaseContext) => Promise<void>;

/**
 * The gates of a case that changes the number of partitions.
 * @param change the capability for the change itself: more partitions, or fewer
 */
export function partitionChangeGates(
  change: "partitionGrowth" | "partitionMerge",
  partitions: number,
): Readonly<Partial<Record<Capability, CaseBody>>> {
  return { topicAdmin: refusesPartitions("topicAdmin", partitions), [change]: refusesPartitions(change, partitions) };
}

/** The change is refused and has no effect. A topic with only one partition cannot have fewer, so there the check asks for more. */
export function refusesPartitions(capability: Capability, partitions: number): CaseBody {
  return async (context) => {
    const topic = await context.topic();
    const single = topic.partitions.length === 1 && capability === "partitionMerge";
    const change = async (): Promise<void> =>
      context.within(context.admin.updateTopic(topic.name, { partitions }), "a change of partitions to be refused");
    await expectUnsupported(change, single ? "partitionGrowth" : capability);
    const { partitions: now } = await context.admin.describeTopic(topic.name);
    expectEqual(now.length, topic.partitions.length, "partitions after a change of them was refused");
  };
}
