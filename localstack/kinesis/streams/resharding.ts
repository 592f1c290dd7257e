import { hashNumber, toHashKey } from "./hash-key.ts";
import type { Shard } from "./shard.ts";
import { type Stream, evenRanges } from "./stream.ts";

/** Splits a shard: the second child begins at the hash key. @returns both children */
export function splitShard(stream: Stream, shard: Shard, startsAt: string): readonly Shard[] {
  const { first, last } = shard.range;
  return stream.replace(
    [shard],
    [
      { first, last: toHashKey(hashNumber(startsAt) - 1n) },
      { first: startsAt, last },
    ],
  );
}

/** Merges two neighbours. */
export function mergeShards(stream: Stream, lower: Shard, upper: Shard): Shard {
  return stream.replace([lower, upper], [{ first: lower.range.first, last: upper.range.last }])[0]!;
}

/** Are they open neighbours, in this order? */
export function areNeighbours(lower: Shard, upper: Shard): boolean {
  return lower.isOpen && upper.isOpen && hashNumber(lower.range.last) + 1n === hashNumber(upper.range.first);
}

/**
 * Splits and merges until the open shards divide the hash keys evenly, as UpdateShardCount with UNIFORM_SCALING and an on-demand stream do. Where the number
 * is no multiple or divisor, some of the shards in between live only for a moment.
 */
export function scaleTo(stream: Stream, count: number): void {
  const ranges = evenRanges(count);
  for (const { first } of ranges) {
    const shard = stream.shardOf(first);
    if (shard.range.first !== first) splitShard(stream, shard, first);
  }
  for (const { first, last } of ranges) {
    let shard = stream.shardOf(first);
    while (shard.range.last !== last) shard = mergeShards(stream, shard, stream.shardOf(toHashKey(hashNumber(shard.range.last) + 1n)));
  }
}
