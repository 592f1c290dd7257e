import { invalidArgument, invalidRequest, limitExceeded, notFound } from "../service-error.ts";
import { hashNumber, parseHashKey } from "../streams/hash-key.ts";
import { areNeighbours, mergeShards as merge, scaleTo, splitShard as split } from "../streams/resharding.ts";
import type { Shard } from "../streams/shard.ts";
import type { Stream } from "../streams/stream.ts";
import { type Handler, type RequestContext, type StreamInput, streamOf } from "./handler.ts";
import { type Member, shardIdMember, streamMembers } from "./members.ts";

const MOST_SHARDS = 10_000;
/** Of UpdateShardCount for one stream. */
const MOST_CHANGES_A_DAY = 10;
const requiredShardId = { ...shardIdMember, required: true } as const satisfies Member;

interface SplitInput extends StreamInput {
  readonly ShardToSplit: string;
  readonly NewStartingHashKey: string;
}

const splitShard: Handler = {
  name: "SplitShard",
  members: {
    ...streamMembers,
    ShardToSplit: requiredShardId,
    NewStartingHashKey: { type: "string", required: true, pattern: /^(0|([1-9]\d{0,38}))$/ },
  },
  handle: ({ ShardToSplit, NewStartingHashKey, ...input }: SplitInput, context) => {
    const stream = streamToReshard(input, context);
    const shard = shardToReshard(stream, ShardToSplit, context);
    context.streams.requireShards(1);
    const startsAt = parseHashKey(NewStartingHashKey);
    const [first, last] = [hashNumber(shard.range.first), hashNumber(shard.range.last)];
    if (startsAt === null || hashNumber(startsAt) <= first + 1n || hashNumber(startsAt) >= last) {
      throw invalidArgument(
        `NewStartingHashKey ${NewStartingHashKey} used in SplitShard() on shard ${ShardToSplit} in stream ${stream.name} under account ${context.streams.account.accountId} ` +
          `is not both greater than one plus the shard's StartingHashKey ${first} and less than the shard's EndingHashKey ${last}.`,
      );
    }
    split(stream, shard, startsAt);
    stream.startUpdate(context.times.updatingMs);
    return {};
  },
};

interface MergeInput extends StreamInput {
  readonly ShardToMerge: string;
  readonly AdjacentShardToMerge: string;
}

const mergeShards: Handler = {
  name: "MergeShards",
  members: { ...streamMembers, ShardToMerge: requiredShardId, AdjacentShardToMerge: requiredShardId },
  handle: ({ ShardToMerge, AdjacentShardToMerge, ...input }: MergeInput, context) => {
    const stream = streamToReshard(input, context);
    const [one, other] = [ShardToMerge, AdjacentShardToMerge].map((shardId) => shardToReshard(stream, shardId, context)) as [Shard, Shard];
    const pair = areNeighbours(one, other) ? ([one, other] as const) : ([other, one] as const);
    if (!areNeighbours(...pair)) {
      const which = `Shards ${ShardToMerge} and ${AdjacentShardToMerge} in stream ${stream.name} under account ${context.streams.account.accountId}`;
      throw invalidArgument(`${which} are not an adjacent pair of shards eligible for merging`);
    }
    merge(stream, ...pair);
    stream.startUpdate(context.times.updatingMs);
    return {};
  },
};

interface ScaleInput extends StreamInput {
  readonly TargetShardCount: number;
}

const updateShardCount: Handler = {
  name: "UpdateShardCount",
  members: {
    ...streamMembers,
    TargetShardCount: { type: "integer", required: true, range: [1, 1_000_000] },
    ScalingType: { type: "string", required: true, oneOf: ["UNIFORM_SCALING"] },
  },
  handle: ({ TargetShardCount: target, ...input }: ScaleInput, context) => {
    const stream = streamToReshard(input, context);
    const current = stream.openShards.length;
    const counts = `Current open shard count: ${current} Target shard count: ${target}`;
    if (target > 2 * current)
      throw invalidArgument(`UpdateShardCount cannot scale up over double your current open shard count. ${counts}`);
    if (target < current / 2)
      throw invalidArgument(`UpdateShardCount cannot scale down below half your current open shard count. ${counts}`);
    if (target > MOST_SHARDS) throw limitExceeded(`UpdateShardCount cannot scale up over ${MOST_SHARDS} shards. ${counts}`);
    if (target > current) context.streams.requireShards(target - current);
    if (stream.countChange() > MOST_CHANGES_A_DAY) {
      throw limitExceeded(`UpdateShardCount can be called at most ${MOST_CHANGES_A_DAY} times in 24 hours for the stream ${stream.name}.`);
    }
    scaleTo(stream, target);
    stream.startUpdate(context.times.updatingMs);
    return { StreamName: stream.name, CurrentShardCount: current, TargetShardCount: target, StreamARN: stream.arn };
  },
};

export const reshardHandlers: readonly Handler[] = [splitShard, mergeShards, updateShardCount];

function streamToReshard(input: StreamInput, context: RequestContext): Stream {
  const stream = streamOf(input, context);
  const { accountId } = context.streams.account;
  stream.requireActive(accountId);
  if (stream.mode === "PROVISIONED") return stream;
  throw invalidRequest(`Request is invalid. Stream ${stream.name} under account ${accountId} is in On-Demand mode.`);
}

function shardToReshard(stream: Stream, shardId: string, { streams }: RequestContext): Shard {
  const where = `in stream ${stream.name} under account ${streams.account.accountId}`;
  const shard = stream.shard(shardId);
  if (shard === undefined) throw notFound(`Could not find shard ${shardId} ${where}.`);
  if (shard.isOpen) return shard;
  throw invalidArgument(`Shard ${shardId} ${where} has already been merged or split, and thus is not eligible for merging or splitting.`);
}
