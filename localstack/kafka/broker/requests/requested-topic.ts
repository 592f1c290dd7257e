import type { Cluster } from "../cluster.ts";
import { ErrorCode } from "../error-code.ts";
import type { Topic } from "../topics/topic.ts";
import { ZERO_UUID } from "../wire/types.ts";

/** A topic as a request names it: by its id in newer versions, by its name in older ones. */
export interface RequestedTopic {
  readonly name: string;
  readonly topicId: string;
}

export function requestedTopic({ topics }: Cluster, { name, topicId }: RequestedTopic): Topic | undefined {
  return topicId === ZERO_UUID ? topics.get(name) : topics.withId(topicId);
}

/** The error code of a topic that does not exist. It differs for an id and a name. */
export function missingTopicCode({ topicId }: RequestedTopic): number {
  return topicId === ZERO_UUID ? ErrorCode.unknownTopicOrPartition : ErrorCode.unknownTopicId;
}
