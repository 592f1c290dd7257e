import { ErrorCode } from "../error-code.ts";
import { commitRefusal } from "../groups/commit-refusal.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, nullableString, string } from "../wire/types.ts";
import { groupRefusal } from "./group-refusal.ts";
import { handler } from "./handler.ts";

export const offsetCommitApi = defineApi({
  name: "OffsetCommit",
  key: 8,
  versions: [2, 9],
  flexibleFrom: 8,
  request: {
    groupId: string,
    generationIdOrMemberEpoch: int32.or(-1),
    memberId: string,
    groupInstanceId: nullableString.since(7),
    retentionTimeMs: int64.until(4).or(-1n),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32.since(6).or(-1),
            committedMetadata: nullableString,
          }),
        ),
      }),
    ),
  },
  answer: {
    throttleTimeMs: int32.since(3).or(0),
    topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, errorCode: int16 })) })),
  },
});

export const offsetCommit = handler(
  offsetCommitApi,
  ({ groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generation, topics }, context) => {
    const { cluster } = context;
    const refusal = groupRefusal(context, groupId);
    const group = cluster.groups.get(groupId);
    const errorCode = refusal === ErrorCode.none ? commitRefusal(group, { memberId, groupInstanceId }, generation) : refusal;
    const largestBytes = cluster.properties.number("offset.metadata.max.bytes");
    if (errorCode === ErrorCode.none) group?.noteContact(memberId);
    const answered = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
        const metadata = committedMetadata ?? "";
        const refused = (code: number) => ({ partitionIndex, errorCode: code });
        if (cluster.topics.get(name)?.partitions[partitionIndex] === undefined) return refused(ErrorCode.unknownTopicOrPartition);
        if (errorCode !== ErrorCode.none) return refused(errorCode);
        // Every permitted commit creates the group, even if its offset is refused.
        const { offsets } = cluster.groups.getOrCreate(groupId);
        if (Buffer.byteLength(metadata) > largestBytes) return refused(ErrorCode.offsetMetadataTooLarge);
        const place = { topic: name, partition: partitionIndex, offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata };
        offsets.set(place);
        return refused(context.faults.codeAfter(name, partitionIndex));
      }),
    }));
    return { topics: answered };
  },
  {
    topics: ({ topics }) => topics.map(({ name, partitions }) => [name, partitions.map(({ partitionIndex }) => partitionIndex)]),
    member: ({ groupId, memberId }) => ({ groupId, memberId }),
  },
);
