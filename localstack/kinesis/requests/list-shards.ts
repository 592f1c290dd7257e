import { ServiceError, inUse, invalidArgument } from "../service-error.ts";
import { type ShardFilter, filteredShards } from "../streams/shard-filter.ts";
import type { Stream } from "../streams/stream.ts";
import { shardAsListed } from "./describe-stream.ts";
import { type Handler, type RequestContext, type StreamInput, streamOf } from "./handler.ts";
import { shardIdMember, streamMembers } from "./members.ts";

const MOST_SHARDS = 10_000;
const DEFAULT_SHARDS = 1_000;
const FILTERS = ["AFTER_SHARD_ID", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST", "AT_TIMESTAMP", "FROM_TIMESTAMP"];
const EVERY_SHARD: ShardFilter = { Type: "FROM_TRIM_HORIZON" };

interface Input extends StreamInput {
  readonly NextToken?: string | null;
  readonly ExclusiveStartShardId?: string | null;
  readonly MaxResults?: number | null;
  /** Seconds since the epoch. */
  readonly StreamCreationTimestamp?: number | null;
  readonly ShardFilter?: ShardFilter | null;
}

/** What a NextToken holds. */
interface Listing {
  readonly name: string;
  readonly incarnation: string;
  readonly behind: string;
  readonly filter: ShardFilter;
  readonly issuedAtMs: number;
}

export const listShards: Handler = {
  name: "ListShards",
  members: {
    ...streamMembers,
    NextToken: { type: "string", length: [1, 1_048_576] },
    ExclusiveStartShardId: shardIdMember,
    MaxResults: { type: "integer", range: [1, MOST_SHARDS] },
    StreamCreationTimestamp: { type: "timestamp" },
    ShardFilter: {
      type: "structure",
      members: { Type: { type: "string", required: true, oneOf: FILTERS }, ShardId: shardIdMember, Timestamp: { type: "timestamp" } },
    },
  },
  handle: (input: Input, context) => {
    const listing = typeof input.NextToken === "string" ? continued(input, input.NextToken, context) : begun(input, context);
    const stream = context.streams.get(listing.name);
    if (stream.incarnation !== listing.incarnation) throw invalidArgument("NextToken belongs to a stream that was deleted.");
    if (stream.status === "CREATING") throw inUse(`Stream ${stream.name} is not ACTIVE, instead in state CREATING.`);
    const behind = filteredShards(stream, listing.filter).filter(({ shardId }) => shardId > listing.behind);
    const page = behind.slice(0, Math.min(input.MaxResults ?? DEFAULT_SHARDS, DEFAULT_SHARDS));
    const last = page.at(-1);
    const next = { ...listing, behind: last?.shardId ?? "", issuedAtMs: context.clock.nowMs() };
    return { Shards: page.map(shardAsListed), ...(page.length < behind.length ? { NextToken: tokenOf(next) } : {}) };
  },
};

function begun(input: Input, context: RequestContext): Listing {
  const stream = streamOf(input, context);
  if (typeof input.StreamCreationTimestamp === "number" && !wasCreatedAt(stream, input.StreamCreationTimestamp)) {
    throw context.streams.notFound(stream.name);
  }
  const { name, incarnation } = stream;
  const filter = input.ShardFilter ?? EVERY_SHARD;
  return { name, incarnation, behind: input.ExclusiveStartShardId ?? "", filter, issuedAtMs: context.clock.nowMs() };
}

/** Clients may have rounded the time to seconds. */
function wasCreatedAt({ createdAtMs }: Stream, seconds: number): boolean {
  return Math.abs(createdAtMs / 1_000 - seconds) < 1;
}

/** @throws ServiceError for a token that is invalid or has expired, or beside what must not be given with it */
function continued(input: Input, token: string, { clock, times }: RequestContext): Listing {
  if (
    typeof input.StreamName === "string" ||
    typeof input.StreamCreationTimestamp === "number" ||
    typeof input.ExclusiveStartShardId === "string"
  ) {
    throw invalidArgument("NextToken and StreamName cannot be provided together.");
  }
  let listing: Listing;
  try {
    listing = JSON.parse(Buffer.from(token, "base64").toString()) as Listing;
  } catch {
    throw invalidArgument("NextToken is invalid.");
  }
  if (clock.nowMs() - listing.issuedAtMs <= times.tokenLifetimeMs) return listing;
  throw new ServiceError("ExpiredNextTokenException", `NextToken is older than ${times.tokenLifetimeMs} milliseconds.`);
}

function tokenOf(listing: Listing): string {
  return Buffer.from(JSON.stringify(listing)).toString("base64");
}
