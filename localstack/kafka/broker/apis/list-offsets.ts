import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, int8, milliseconds, storedTime, string } from "../wire/types.ts";

export const listOffsetsApi = defineApi({
  name: "ListOffsets",
  key: 2,
  versions: [1, 10],
  flexibleFrom: 6,
  request: {
    replicaId: int32,
    isolationLevel: int8.since(2),
    topics: array(
      struct({
        name: string,
        partitions: array(struct({ partitionIndex: int32, currentLeaderEpoch: int32.since(4).or(-1), timestamp: milliseconds })),
      }),
    ),
    timeoutMs: int32.since(10),
  },
  answer: {
    throttleTimeMs: int32.since(2).or(0),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            errorCode: int16,
            timestamp: storedTime.or(-1),
            offset: int64.or(-1n),
            leaderEpoch: int32.since(4).or(-1),
          }),
        ),
      }),
    ),
  },
});
