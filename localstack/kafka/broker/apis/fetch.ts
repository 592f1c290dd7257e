import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, int8, nullableArray, nullableString, records, string, uuid } from "../wire/types.ts";

export const fetchApi = defineApi({
  name: "Fetch",
  key: 1,
  versions: [4, 18],
  flexibleFrom: 12,
  request: {
    replicaId: int32.until(14).or(-1),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32,
    isolationLevel: int8,
    sessionId: int32.since(7),
    sessionEpoch: int32.since(7).or(-1),
    topics: array(
      struct({
        topic: string.until(12),
        topicId: uuid.since(13),
        partitions: array(
          struct({
            partition: int32,
            currentLeaderEpoch: int32.since(9).or(-1),
            fetchOffset: int64,
            lastFetchedEpoch: int32.since(12).or(-1),
            logStartOffset: int64.since(5).or(-1n),
            partitionMaxBytes: int32,
          }),
        ),
      }),
    ),
    forgottenTopicsData: array(struct({ topic: string.until(12), topicId: uuid.since(13), partitions: array(int32) })).since(7),
    rackId: string.since(11),
  },
  answer: {
    throttleTimeMs: int32.or(0),
    errorCode: int16.since(7),
    sessionId: int32.since(7).or(0),
    responses: array(
      struct({
        topic: string.until(12),
        topicId: uuid.since(13),
        partitions: array(
          struct({
            partitionIndex: int32,
            errorCode: int16,
            highWatermark: int64,
            lastStableOffset: int64,
            logStartOffset: int64.since(5),
            divergingEpoch: struct({ epoch: int32.or(-1), endOffset: int64.or(-1n) })
              .since(12)
              .tagged(0),
            currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }).since(12).tagged(1),
            abortedTransactions: nullableArray(struct({ producerId: int64, firstOffset: int64 })),
            preferredReadReplica: int32.since(11).or(-1),
            records,
          }),
        ),
      }),
    ),
    nodeEndpoints: array(struct({ nodeId: int32, host: string, port: int32, rack: nullableString.or(null) }))
      .since(16)
      .tagged(0),
  },
});
