import type { Shard as ListedShard } from "@aws-sdk/client-kinesis";
import type { ChildPartition } from "../../../src/driver/index.ts";

/** A shard as the service lists it. */
export interface Shard extends ChildPartition {
  /** The range of hashes of its keys, both inclusive. */
  readonly firstHash: bigint;
  readonly lastHash: bigint;
  /** It takes records. */
  readonly isOpen: boolean;
}

export function toShard({ ShardId, ParentShardId, AdjacentParentShardId, HashKeyRange, SequenceNumberRange }: ListedShard): Shard {
  return {
    partition: ShardId ?? "",
    parents: [ParentShardId, AdjacentParentShardId].filter((parent) => parent !== undefined),
    firstHash: BigInt(HashKeyRange?.StartingHashKey ?? 0),
    lastHash: BigInt(HashKeyRange?.EndingHashKey ?? 0),
    isOpen: SequenceNumberRange?.EndingSequenceNumber === undefined,
  };
}
