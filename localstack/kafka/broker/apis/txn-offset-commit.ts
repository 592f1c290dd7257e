import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, nullableString, string } from "../wire/types.ts";

/** Version 5 belongs to the second kind of transactions, which is not served. */
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
