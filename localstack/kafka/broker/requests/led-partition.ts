import { ErrorCode } from "../error-code.ts";
import { NO_LEADER, type Partition } from "../topics/partition.ts";
import type { Topic } from "../topics/topic.ts";
import type { RequestContext } from "./handler.ts";

/** A client that does not say which epoch it knows. */
const UNKNOWN_EPOCH = -1;

/** The partition, where this broker leads it; else the error code. */
export function ledPartition(
  { cluster, node }: RequestContext,
  topic: Topic | undefined,
  index: number,
  knownEpoch = UNKNOWN_EPOCH,
): Partition | number {
  const partition = topic?.partitions[index];
  if (partition === undefined) return ErrorCode.unknownTopicOrPartition;
  if (partition.leaderId !== node.nodeId) return ErrorCode.notLeaderOrFollower;
  if (knownEpoch !== UNKNOWN_EPOCH && knownEpoch < partition.leaderEpoch) return ErrorCode.fencedLeaderEpoch;
  if (knownEpoch > partition.leaderEpoch) return ErrorCode.unknownLeaderEpoch;
  return cluster.isUp(node.nodeId) ? partition : ErrorCode.notLeaderOrFollower;
}

/** What tells a client where to go instead, as far as it is known. */
export function currentLeader(topic: Topic | undefined, index: number): { readonly leaderId: number; readonly leaderEpoch: number } {
  const partition = topic?.partitions[index];
  return { leaderId: partition?.leaderId ?? NO_LEADER, leaderEpoch: partition?.leaderEpoch ?? -1 };
}
