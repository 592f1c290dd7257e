import { offsetForLeaderEpochApi } from "../apis/offset-for-leader-epoch.ts";
import { ErrorCode } from "../error-code.ts";
import { type TopicSubject, handler } from "./handler.ts";
import { ledPartition } from "./led-partition.ts";

export const offsetForLeaderEpoch = handler(
  offsetForLeaderEpochApi,
  ({ topics }, context) => ({
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
        const refusal = context.troubles.refusalOf(ErrorCode.topicAuthorizationFailed, topic, index);
        const partition =
          refusal === ErrorCode.none ? ledPartition(context, context.cluster.topics.get(topic), index, currentLeaderEpoch) : refusal;
        if (typeof partition === "number") return { errorCode: partition, partition: index };
        return { errorCode: ErrorCode.none, partition: index, ...partition.log.epochs.endOf(leaderEpoch, partition.log.endOffset) };
      }),
    })),
  }),
  { topics: ({ topics }) => topics.map(({ topic, partitions }): TopicSubject => [topic, partitions.map(({ partition }) => partition)]) },
);
