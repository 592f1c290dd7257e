import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, string } from "../wire/types.ts";

/** From version 4 on it is what brokers ask each other. */
export const addPartitionsToTxnApi = defineApi({
  name: "AddPartitionsToTxn",
  key: 24,
  versions: [0, 3],
  flexibleFrom: 3,
  request: {
    v3AndBelowTransactionalId: string,
    v3AndBelowProducerId: int64,
    v3AndBelowProducerEpoch: int16,
    v3AndBelowTopics: array(struct({ name: string, partitions: array(int32) })),
  },
  answer: {
    throttleTimeMs: int32.or(0),
    resultsByTopicV3AndBelow: array(
      struct({ name: string, resultsByPartition: array(struct({ partitionIndex: int32, partitionErrorCode: int16 })) }),
    ),
  },
});
