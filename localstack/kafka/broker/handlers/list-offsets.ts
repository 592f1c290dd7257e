import { listOffsetsApi } from "../apis/list-offsets.ts";
import { ErrorCode } from "../error-code.ts";
import { firstRecordAt, recordWithMaxTimestamp } from "../log/time-lookup.ts";
import type { Partition } from "../topics/partition.ts";
import { type TopicSubject, handler } from "./handler.ts";
import { ledPartition } from "./led-partition.ts";

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
/** The first version that has each. */
const SINCE: Readonly<Record<number, number>> = { [MAX_TIMESTAMP]: 7, [EARLIEST_LOCAL]: 8, [LATEST_TIERED]: 9 };
const READ_COMMITTED = 1;

interface Found {
  readonly offset?: bigint;
  readonly timestamp?: number | bigint;
  readonly leaderEpoch?: number;
  readonly errorCode?: number;
}

export const listOffsets = handler(
  listOffsetsApi,
  ({ isolationLevel, topics }, context) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, currentLeaderEpoch, timestamp }) => {
        if (timestamp < EARLIEST && context.version < (SINCE[timestamp] ?? Infinity)) {
          return { partitionIndex, errorCode: ErrorCode.unsupportedVersion };
        }
        const refusal = context.troubles.refusalOf(ErrorCode.topicAuthorizationFailed, name, partitionIndex);
        const partition =
          refusal === ErrorCode.none
            ? ledPartition(context, context.cluster.topics.get(name), partitionIndex, currentLeaderEpoch)
            : refusal;
        if (typeof partition === "number") return { partitionIndex, errorCode: partition };
        return {
          partitionIndex,
          errorCode: ErrorCode.none,
          ...find(partition, timestamp, isolationLevel === READ_COMMITTED),
        };
      }),
    })),
  }),
  {
    topics: ({ topics }) =>
      topics.map(({ name, partitions }): TopicSubject => [name, partitions.map(({ partitionIndex }) => partitionIndex)]),
  },
);

function find({ log, leaderEpoch }: Partition, timestamp: number, isCommitted: boolean): Found {
  const limit = isCommitted ? log.lastStableOffset : log.endOffset;
  switch (timestamp) {
    case LATEST:
      return { offset: limit, leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: log.startOffset, leaderEpoch: log.epochs.first ?? leaderEpoch };
    case LATEST_TIERED:
      // There are no tiers.
      return {};
    default: {
      const found = timestamp === MAX_TIMESTAMP ? recordWithMaxTimestamp(log) : firstRecordAt(log, timestamp, limit);
      // Of what is undecided, nothing is told.
      return found === null || found.offset >= limit
        ? {}
        : { offset: found.offset, timestamp: found.timestampMs, leaderEpoch: found.leaderEpoch };
    }
  }
}
