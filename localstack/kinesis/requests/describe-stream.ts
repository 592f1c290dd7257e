import { hashNumber } from "../streams/hash-key.ts";
import type { Shard } from "../streams/shard.ts";
import type { Stream } from "../streams/stream.ts";
import { type Handler, type StreamInput, streamOf } from "./handler.ts";
import { shardIdMember, streamMembers } from "./members.ts";

const MOST_SHARDS = 10_000;
const DEFAULT_SHARDS = 100;

interface Input extends StreamInput {
  readonly Limit?: number | null;
  readonly ExclusiveStartShardId?: string | null;
}

export const describeStream: Handler = {
  name: "DescribeStream",
  members: { ...streamMembers, Limit: { type: "integer", range: [1, MOST_SHARDS] }, ExclusiveStartShardId: shardIdMember },
  handle: (input: Input, context) => {
    const stream = streamOf(input, context);
    const behind = stream.shards.filter(({ shardId }) => shardId > (input.ExclusiveStartShardId ?? ""));
    const page = stream.status === "CREATING" ? [] : behind.slice(0, input.Limit ?? DEFAULT_SHARDS);
    const HasMoreShards = page.length > 0 && page.length < behind.length;
    return { StreamDescription: { ...described(stream), Shards: page.map(shardAsListed), HasMoreShards } };
  },
};

export const describeStreamSummary: Handler = {
  name: "DescribeStreamSummary",
  members: streamMembers,
  handle: (input: StreamInput, context) => {
    const stream = streamOf(input, context);
    return {
      StreamDescriptionSummary: {
        ...described(stream),
        OpenShardCount: stream.status === "CREATING" ? 0 : stream.openShards.length,
        ConsumerCount: stream.consumers.size,
        MaxRecordSizeInKiB: stream.maxRecordKiB,
        ...(stream.mode === "ON_DEMAND" ? { RecordDistributionStrategy: stream.distribution } : {}),
      },
    };
  },
};

function described(stream: Stream): object {
  return {
    StreamName: stream.name,
    StreamARN: stream.arn,
    StreamStatus: stream.status,
    StreamModeDetails: { StreamMode: stream.mode },
    RetentionPeriodHours: stream.retentionHours,
    StreamCreationTimestamp: stream.createdAtMs / 1_000,
    EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
    EncryptionType: "NONE",
  };
}

/** A shard, as DescribeStream and ListShards show it. */
export function shardAsListed({ shardId, parentIds, range, startingSequenceNumber, endingSequenceNumber }: Shard): object {
  const [parent, adjacent] = parentIds;
  return {
    ShardId: shardId,
    ...(parent === undefined ? {} : { ParentShardId: parent }),
    ...(adjacent === undefined ? {} : { AdjacentParentShardId: adjacent }),
    HashKeyRange: { StartingHashKey: String(hashNumber(range.first)), EndingHashKey: String(hashNumber(range.last)) },
    SequenceNumberRange: {
      StartingSequenceNumber: startingSequenceNumber,
      ...(endingSequenceNumber === null ? {} : { EndingSequenceNumber: endingSequenceNumber }),
    },
  };
}
