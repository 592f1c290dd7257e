import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, string } from "../wire/types.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

export const offsetDeleteApi = defineApi({
  name: "OffsetDelete",
  key: 47,
  versions: [0, 0],
  request: {
    groupId: string,
    topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32 })) })),
  },
  answer: {
    errorCode: int16,
    throttleTimeMs: int32.or(0),
    topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, errorCode: int16 })) })),
  },
});

export const offsetDelete = handler(
  offsetDeleteApi,
  ({ groupId, topics }, context) => {
    const { cluster } = context;
    const refusal = groupRefusal(context, groupId);
    if (refusal !== ErrorCode.none) return { errorCode: refusal, topics: [] };
    const group = cluster.groups.get(groupId);
    if (group === undefined) return { errorCode: ErrorCode.groupIdNotFound, topics: [] };
    const hasMembers = group.state !== "Empty";
    if (hasMembers && !group.roster.usesConsumerProtocol) return { errorCode: ErrorCode.nonEmptyGroup, topics: [] };
    const subscribed = group.roster.topics;
    const answered = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        if (cluster.topics.get(name)?.partitions[partitionIndex] === undefined) {
          return { partitionIndex, errorCode: ErrorCode.unknownTopicOrPartition };
        }
        if (hasMembers && subscribed.has(name)) return { partitionIndex, errorCode: ErrorCode.groupSubscribedToTopic };
        group.offsets.delete(name, partitionIndex);
        return { partitionIndex, errorCode: ErrorCode.none };
      }),
    }));
    return { errorCode: ErrorCode.none, topics: answered };
  },
  { topics: ({ topics }) => topics.map(({ name, partitions }) => [name, partitions.map(({ partitionIndex }) => partitionIndex)]) },
);
