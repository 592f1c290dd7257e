import { txnOffsetCommitApi } from "../apis/txn-offset-commit.ts";
import { ErrorCode } from "../error-code.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

/** Of members that the request names by their generation; older versions name none. */
const NO_GENERATION = -1;

export const txnOffsetCommit = handler(
  txnOffsetCommitApi,
  ({ groupId, producerId, generationId, memberId, groupInstanceId, topics }, context) => {
    const { groups, topics: all } = context.cluster;
    const refusal = groupRefusal(context, groupId);
    const isOfMember = generationId !== NO_GENERATION || memberId !== "" || groupInstanceId !== null;
    const group = groups.getOrCreate(groupId);
    const errorCode = refusal === ErrorCode.none && isOfMember ? group.check({ memberId, groupInstanceId }, generationId) : refusal;
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
          if (errorCode !== ErrorCode.none) return { partitionIndex, errorCode };
          if (all.get(name)?.partitions[partitionIndex] === undefined) {
            return { partitionIndex, errorCode: ErrorCode.unknownTopicOrPartition };
          }
          group.offsets.setPending(producerId, {
            topic: name,
            partition: partitionIndex,
            offset: committedOffset,
            leaderEpoch: committedLeaderEpoch,
            metadata: committedMetadata ?? "",
          });
          return { partitionIndex, errorCode };
        }),
      })),
    };
  },
  {
    topics: ({ topics }) => topics.map(({ name, partitions }) => [name, partitions.map(({ partitionIndex }) => partitionIndex)]),
    member: ({ groupId, memberId }) => ({ groupId, memberId }),
  },
);
