import { offsetForLeaderEpochApi } from "../apis/offset-for-leader-epoch.ts";
import { ErrorCode } from "../error-code.ts";
import type { PartitionLog } from "../log/partition-log.ts";
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
        return { errorCode: ErrorCode.none, partition: index, ...endOf(partition.log, leaderEpoch, partition.leaderEpoch) };
      }),
    })),
  }),
  { topics: ({ topics }) => topics.map(({ topic, partitions }): TopicSubject => [topic, partitions.map(({ partition }) => partition)]) },
);

/** Where the newest epoch that is not newer than the asked one ends. */
function endOf(log: PartitionLog, epoch: number, currentEpoch: number): { readonly leaderEpoch?: number; readonly endOffset?: bigint } {
  if (epoch === currentEpoch) return { leaderEpoch: epoch, endOffset: log.endOffset };
  const index = log.epochs.findLastIndex((known) => known.epoch <= epoch);
  if (index < 0 || epoch > currentEpoch) return {};
  return { leaderEpoch: log.epochs[index]!.epoch, endOffset: log.epochs[index + 1]?.startOffset ?? log.endOffset };
}
