import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, nullableString, string } from "../wire/types.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

/** Version 5 belongs to the second kind of transactions (KIP-890), which is not served. */
export const txnOffsetCommitApi = defineApi({
  name: "TxnOffsetCommit",
  key: 28,
  versions: [0, 4],
  flexibleFrom: 3,
  request: {
    transactionalId: string,
    groupId: string,
    producerId: int64,
    producerEpoch: int16,
    generationId: int32.since(3).or(-1),
    memberId: string.since(3),
    groupInstanceId: nullableString.since(3),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32.since(2).or(-1),
            committedMetadata: nullableString,
          }),
        ),
      }),
    ),
  },
  answer: {
    throttleTimeMs: int32.or(0),
    topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, errorCode: int16 })) })),
  },
});

/** Stands for a request that names no member, as in older versions. */
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
