import { invalidArgument, notFound } from "../service-error.ts";
import { parseSequenceNumber } from "../streams/sequence-number.ts";
import { formatIterator } from "../streams/shard-iterator.ts";
import { type Shard, shardIdOf } from "../streams/shard.ts";
import type { Stream } from "../streams/stream.ts";
import { type Handler, type RequestContext, type StreamInput, streamOf } from "./handler.ts";
import { shardIdMember, streamMembers } from "./members.ts";

const TYPES = ["AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"] as const;

interface Input extends StreamInput {
  readonly ShardId: string;
  readonly ShardIteratorType: (typeof TYPES)[number];
  readonly StartingSequenceNumber?: string | null;
  /** Seconds since the epoch. */
  readonly Timestamp?: number | null;
}

export const getShardIterator: Handler = {
  name: "GetShardIterator",
  members: {
    ...streamMembers,
    ShardId: { ...shardIdMember, required: true },
    ShardIteratorType: { type: "string", required: true, oneOf: TYPES },
    StartingSequenceNumber: { type: "string", pattern: /^(0|([1-9]\d{0,128}))$/ },
    Timestamp: { type: "timestamp" },
    DryRun: { type: "boolean" },
  },
  handle: (input: Input, context) => {
    const stream = streamOf(input, context);
    const shard = stream.shard(input.ShardId);
    if (shard === undefined) throw noSuchShard(input.ShardId, stream.name, context);
    context.rates.requireIterator(shard);
    const isCaughtUp = input.ShardIteratorType === "LATEST";
    const { incarnation, name: streamName } = stream;
    const ordinal = startOf(input, stream, shard, context);
    const emptyAnswers = isCaughtUp ? 0 : context.times.emptyAnswers;
    const issuedAtMs = context.clock.nowMs();
    return {
      ShardIterator: formatIterator({ streamName, incarnation, shardId: shard.shardId, ordinal, issuedAtMs, emptyAnswers, isCaughtUp }),
    };
  },
};

export function noSuchShard(shardId: string, stream: string, { streams }: RequestContext): Error {
  return notFound(`Shard ${shardId} in stream ${stream} under account ${streams.account.accountId} does not exist`);
}

function startOf(input: Input, stream: Stream, shard: Shard, { clock, streams }: RequestContext): number {
  const { ShardIteratorType: type, StartingSequenceNumber, Timestamp } = input;
  switch (type) {
    case "TRIM_HORIZON":
    case "LATEST":
      if (typeof StartingSequenceNumber === "string") throw wrongCombination(type, "also a StartingSequenceNumber");
      return type === "LATEST" ? shard.next : shard.first;
    case "AT_TIMESTAMP": {
      if (typeof Timestamp !== "number") {
        const needed = "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP";
        throw invalidArgument(`${needed}. Current request has no timestamp parameter.`);
      }
      const [timestampMs, nowMs] = [Timestamp * 1_000, clock.nowMs()];
      if (timestampMs <= nowMs) return shard.ordinalAt(timestampMs);
      const rule = "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis";
      throw invalidArgument(`${rule}. timestampInMillis: ${timestampMs}, currentTimestampInMillis: ${nowMs}`);
    }
    case "AT_SEQUENCE_NUMBER":
    case "AFTER_SEQUENCE_NUMBER": {
      if (typeof StartingSequenceNumber !== "string") throw wrongCombination(type, "no StartingSequenceNumber");
      const used = `used in GetShardIterator on shard ${shard.shardId} in stream ${stream.name} under account ${streams.account.accountId}`;
      return afterNumber(
        StartingSequenceNumber,
        shard,
        type === "AT_SEQUENCE_NUMBER",
        `StartingSequenceNumber ${StartingSequenceNumber} ${used}`,
      );
    }
  }
}

function wrongCombination(type: string, what: string): Error {
  const rule =
    "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber";
  return invalidArgument(`${rule}. Request specified ${type} and ${what}.`);
}

function afterNumber(text: string, shard: Shard, isIncluded: boolean, what: string): number {
  const parsed = parseSequenceNumber(text);
  if (parsed === null) throw invalidArgument(`${what} is invalid.`);
  const own = shard.parse(text);
  if (own !== null) {
    // A number that no record has stands for the place between its neighbours; one that was trimmed, for the oldest record that is left.
    const record = shard.at(own.ordinal);
    const isBehind = record === undefined ? own.ordinal === 0 || !isIncluded : BigInt(text) > BigInt(record.sequenceNumber);
    const isExact = record?.sequenceNumber === text;
    return Math.max(shard.first, isBehind || (isExact && !isIncluded) ? own.ordinal + 1 : own.ordinal);
  }
  const ofShard = shardIdOf(parsed.shardIndex);
  if (ofShard !== shard.shardId) {
    const wrong = `It encodes ${ofShard}, while it was used in a call to a shard with ${shard.shardId}`;
    throw invalidArgument(`Invalid StartingSequenceNumber. ${wrong}`);
  }
  throw invalidArgument(`${what} is invalid because it did not come from this stream.`);
}
