import { ErrorCode } from "../error-code.ts";
import { firstRecordAt, recordWithMaxTimestamp } from "../log/time-lookup.ts";
import type { Partition } from "../topics/partition.ts";
import { defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, int8, milliseconds, storedTime, string } from "../wire/types.ts";
import { type TopicSubject, handler } from "./handler.ts";
import { ledPartition } from "./led-partition.ts";

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

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
/** The first version with each of these times. */
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
        const refusal = context.faults.refusalOf(ErrorCode.topicAuthorizationFailed, name, partitionIndex);
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
      // The emulator has no tiered storage.
      return {};
    default: {
      const found = timestamp === MAX_TIMESTAMP ? recordWithMaxTimestamp(log) : firstRecordAt(log, timestamp, limit);
      // A record of an open transaction is not reported.
      return found === null || found.offset >= limit
        ? {}
        : { offset: found.offset, timestamp: found.timestampMs, leaderEpoch: found.leaderEpoch };
    }
  }
}
