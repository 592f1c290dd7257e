import { ErrorCode } from "../error-code.ts";
import { NO_LEADER, type Partition } from "../topics/partition.ts";
import type { Topic } from "../topics/topic.ts";
import type { RequestContext } from "./handler.ts";

/** Stands for a client that does not name the epoch that it knows. */
const UNKNOWN_EPOCH = -1;

/** The partition if this broker leads it, else the error code. */
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

/** The leader of a partition for a client that asked another broker; -1 if it is unknown. */
export function currentLeader(topic: Topic | undefined, index: number): { readonly leaderId: number; readonly leaderEpoch: number } {
  const partition = topic?.partitions[index];
  return { leaderId: partition?.leaderId ?? NO_LEADER, leaderEpoch: partition?.leaderEpoch ?? -1 };
}
