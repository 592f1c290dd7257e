import type { Settlement, StreamError } from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { errorOf, kafkaError } from "../errors.ts";
import type { LogPlace } from "../fetch/read-epochs.ts";
import { toOffset } from "../records.ts";
import type { GroupMembership } from "./group-membership.ts";
import type { GroupOffsets } from "./group-offsets.ts";
import type { OwnedPartitions } from "./owned-partitions.ts";

/** ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID */
const FENCED: ReadonlySet<number> = new Set([
  ErrorNumber.ILLEGAL_GENERATION,
  ErrorNumber.UNKNOWN_MEMBER_ID,
  ErrorNumber.FENCED_INSTANCE_ID,
]);

/**
 * Commits what has been handled, of current assignments only, in the generation that the member is in. Answers one result a
 * settlement. @throws what concerns the whole request
 */
export async function settleOffsets(
  membership: GroupMembership,
  owned: OwnedPartitions,
  offsets: GroupOffsets,
  settlements: readonly Settlement[],
  signal: AbortSignal,
): Promise<readonly (StreamError | null)[]> {
  const next = new Map<number, LogPlace>();
  for (const { assignment, through } of settlements) {
    const current = owned.of(assignment);
    if (current !== undefined && through !== null) next.set(current.partition, current.placeBehind(toOffset(through)));
  }
  // Looked at before the request: what is lost while it is under way is refused by the group.
  const isOwned = settlements.map(({ assignment }) => owned.of(assignment) !== undefined);
  const codes = next.size === 0 ? new Map<number, number>() : await commit(membership, offsets, next, signal);
  return settlements.map(({ assignment }, index) => {
    const errorCode = codes.get(Number(assignment.partition)) ?? 0;
    if (isOwned[index] !== true) return ownershipLost(assignment.identity.topic, assignment.partition);
    return errorCode === 0 ? null : refusal(errorCode, assignment.identity.topic, assignment.partition);
  });
}

async function commit(
  membership: GroupMembership,
  offsets: GroupOffsets,
  next: ReadonlyMap<number, LogPlace>,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  const { member } = membership;
  const codes = await offsets.commit(member, next, signal);
  const { generation, memberId } = membership.member;
  const isSame = membership.isStable && generation === member.generation && memberId === member.memberId;
  // In the middle of a rebalance the generation may have changed under the request: then it comes again with the new one.
  if (!isSame)
    return new Map([...codes].map(([partition, code]) => [partition, FENCED.has(code) ? ErrorNumber.REBALANCE_IN_PROGRESS : code]));
  const fenced = [...codes.values()].find((code) => FENCED.has(code));
  if (fenced !== undefined) membership.fenced(fenced);
  return codes;
}

function refusal(errorCode: number, topic: string, partition: string): StreamError {
  if (errorCode === ErrorNumber.REBALANCE_IN_PROGRESS) {
    return kafkaError("unavailable", "the group is rebalancing; the commit comes again", {
      topic,
      partition,
      cause: errorOf(errorCode, "OffsetCommit"),
    });
  }
  return errorOf(errorCode, "OffsetCommit", { topic, partition });
}

function ownershipLost(topic: string, partition: string): StreamError {
  return kafkaError("ownership-lost", `partition ${JSON.stringify(partition)} belongs to another member, or to none`, { topic, partition });
}
