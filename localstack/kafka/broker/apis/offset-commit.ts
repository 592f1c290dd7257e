import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, nullableString, string } from "../wire/types.ts";

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
