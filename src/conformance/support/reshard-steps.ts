import type { Capability } from "../../capabilities.ts";
import { expectEqual, expectUnsupported } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { DEFAULT_TOPIC } from "../case-topic.ts";
import { keyNames } from "../history/sequenced.ts";

export const TRAFFIC_MORE = DEFAULT_TOPIC.partitions * 2;

export const TRAFFIC_KEYS = keyNames(24);

type CaseBody = (context: CaseContext) => Promise<void>;

/**
 * What holds where the number of partitions cannot be changed, or not without moving keys.
 * @param reshape the capability for the change itself: more partitions, or fewer
 */
export function reshapeGates(
  reshape: "partitionGrowth" | "partitionMerge",
  partitions: number,
): Readonly<Partial<Record<Capability, CaseBody>>> {
  return { topicAdmin: refusesPartitions("topicAdmin", partitions), [reshape]: refusesPartitions(reshape, partitions) };
}

/** Such a change is refused, and has no effect. A topic that has only one partition cannot have fewer: there, more are refused. */
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
