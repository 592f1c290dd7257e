import { ErrorCode } from "../error-code.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, string } from "../wire/types.ts";
import { type TopicSubject, handler } from "./handler.ts";
import { ledPartition } from "./led-partition.ts";

export const offsetForLeaderEpochApi = defineApi({
  name: "OffsetForLeaderEpoch",
  key: 23,
  versions: [2, 4],
  flexibleFrom: 4,
  request: {
    replicaId: int32.since(3).or(-2),
    topics: array(
      struct({
        topic: string,
        partitions: array(struct({ partition: int32, currentLeaderEpoch: int32, leaderEpoch: int32 })),
      }),
    ),
  },
  answer: {
    throttleTimeMs: int32.or(0),
    topics: array(
      struct({
        topic: string,
        partitions: array(struct({ errorCode: int16, partition: int32, leaderEpoch: int32.or(-1), endOffset: int64.or(-1n) })),
      }),
    ),
  },
});

export const offsetForLeaderEpoch = handler(
  offsetForLeaderEpochApi,
  ({ topics }, context) => ({
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
        const refusal = context.faults.refusalOf(ErrorCode.topicAuthorizationFailed, topic, index);
        const partition =
          refusal === ErrorCode.none ? ledPartition(context, context.cluster.topics.get(topic), index, currentLeaderEpoch) : refusal;
        if (typeof partition === "number") return { errorCode: partition, partition: index };
        return { errorCode: ErrorCode.none, partition: index, ...partition.log.epochs.endOf(leaderEpoch, partition.log.endOffset) };
      }),
    })),
  }),
  { topics: ({ topics }) => topics.map(({ topic, partitions }): TopicSubject => [topic, partitions.map(({ partition }) => partition)]) },
);
