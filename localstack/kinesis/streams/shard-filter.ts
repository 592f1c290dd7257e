import { invalidArgument } from "../service-error.ts";
import type { Shard } from "./shard.ts";
import type { Stream } from "./stream.ts";

export interface ShardFilter {
  readonly Type: string;
  readonly ShardId?: string | null;
  /** Seconds since the epoch. */
  readonly Timestamp?: number | null;
}

/** The shards that ListShards lists for a filter. @throws ServiceError */
export function filteredShards(stream: Stream, filter: ShardFilter): readonly Shard[] {
  const { shards } = stream;
  const isOpenAt = (timeMs: number) => (shard: Shard) =>
    shard.createdAtMs <= timeMs && (shard.closedAtMs === null || shard.closedAtMs > timeMs);
  switch (filter.Type) {
    case "FROM_TRIM_HORIZON":
      return shards;
    case "AT_LATEST":
      return shards.filter(({ isOpen }) => isOpen);
    case "AT_TRIM_HORIZON":
      return shards.filter(isOpenAt(stream.horizonMs));
    case "AT_TIMESTAMP":
      return shards.filter(isOpenAt(timeOf(stream, filter)));
    case "FROM_TIMESTAMP": {
      const timeMs = timeOf(stream, filter);
      return shards.filter((shard) => shard.createdAtMs > timeMs || isOpenAt(timeMs)(shard));
    }
    case "AFTER_SHARD_ID": {
      const { ShardId } = filter;
      if (typeof ShardId !== "string") throw invalidArgument("ShardId must be given with a shard filter of type AFTER_SHARD_ID.");
      return shards.filter(({ shardId }) => shardId > ShardId);
    }
    default:
      throw invalidArgument(`${filter.Type} is no type of a shard filter.`);
  }
}

/** A time before the trim horizon means the trim horizon. */
function timeOf(stream: Stream, { Type, Timestamp }: ShardFilter): number {
  if (typeof Timestamp !== "number") throw invalidArgument(`Timestamp must be given with a shard filter of type ${Type}.`);
  return Math.max(Timestamp * 1_000, stream.horizonMs);
}
