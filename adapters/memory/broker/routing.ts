import type { CallSlice } from "../../../src/driver/index.ts";
import type { Profile } from "../profiles.ts";
import { murmur2 } from "./hash.ts";
import type { Partition } from "./partition.ts";
import type { MemoryTopic } from "./topic.ts";

/** Keys are grouped into this many lanes by the first bits of their hash. The groups stay the same when partitions split and merge. */
const LANE_GROUP_BITS = 6;
const LANE_GROUP_SHIFT = 32 - LANE_GROUP_BITS;

/** Where a slice goes: one partition for all of it, or one for each record. */
export type Place = Partition | Partition[];

/** What a lane of a producer stands for. */
export type LaneKind = "partition" | "key" | "key-group";

/** A lane for each partition needs partitions that stay. Where partitions split, a lane is a group of keys. */
export function laneKindOf(profile: Profile, topic: MemoryTopic): LaneKind {
  if (profile.shape.lane === "partition" && topic.layout === "modulo") return "partition";
  return profile.keyLanes === "each" ? "key" : "key-group";
}

export function laneOfKey(kind: LaneKind, topic: MemoryTopic, key: Uint8Array): string {
  if (kind === "key") return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
  const hash = murmur2(key);
  return kind === "partition" ? topic.partitionOfHash(hash).id : String(hash >>> LANE_GROUP_SHIFT);
}

/**
 * Where the records of a slice go: one partition for all of them, or one for each. When lanes stand for partitions, a slice keeps the
 * partition that was chosen when its messages were sent, even when the topic has grown since.
 */
export function placeSlice(kind: LaneKind, topic: MemoryTopic, { lane, records }: CallSlice): Place {
  const one = lane !== null && kind === "partition" ? topic.partitions.get(lane) : undefined;
  if (one !== undefined) return topic.openSuccessor(one);
  const eachItsOwn = (): Partition[] => records.map(({ key, toPartition }) => placeOf(topic, key, toPartition));
  if (records.some(({ toPartition }) => toPartition !== undefined)) return eachItsOwn();
  if (lane === null) return topic.nextKeyless();
  // The topic was re-created with other partitions after the lane was chosen.
  if (kind === "partition") return eachItsOwn();
  if (kind === "key") return placeOf(topic, records[0]!.key, undefined);
  const first = topic.partitionOfHash((Number(lane) << LANE_GROUP_SHIFT) >>> 0);
  const endOfGroup = (Number(lane) + 1) * 2 ** LANE_GROUP_SHIFT;
  if (topic.layout === "hash-ranges" && first.range.end >= endOfGroup) return first;
  return eachItsOwn();
}

function placeOf(topic: MemoryTopic, key: Uint8Array | null, toPartition: string | undefined): Partition {
  const chosen = toPartition === undefined ? undefined : topic.partitions.get(toPartition);
  if (chosen !== undefined) return topic.openSuccessor(chosen);
  return key === null ? topic.nextKeyless() : topic.partitionOfHash(murmur2(key));
}
