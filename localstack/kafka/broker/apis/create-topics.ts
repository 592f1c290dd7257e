import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, boolean, int16, int32, int8, nullableArray, nullableString, string, uuid } from "../wire/types.ts";

export const createTopicsApi = defineApi({
  name: "CreateTopics",
  key: 19,
  versions: [2, 7],
  flexibleFrom: 5,
  request: {
    topics: array(
      struct({
        name: string,
        numPartitions: int32,
        replicationFactor: int16,
        assignments: array(struct({ partitionIndex: int32, brokerIds: array(int32) })),
        configs: array(struct({ name: string, value: nullableString })),
      }),
    ),
    timeoutMs: int32,
    validateOnly: boolean,
  },
  answer: {
    throttleTimeMs: int32.or(0),
    topics: array(
      struct({
        name: string,
        topicId: uuid.since(7),
        errorCode: int16,
        errorMessage: nullableString,
        topicConfigErrorCode: int16.since(5).tagged(0),
        numPartitions: int32.since(5),
        replicationFactor: int16.since(5),
        configs: nullableArray(
          struct({ name: string, value: nullableString, readOnly: boolean, configSource: int8, isSensitive: boolean }),
        ).since(5),
      }),
    ),
  },
});
