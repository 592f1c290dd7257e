import type { Settlement, StreamError } from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { errorOf, kafkaError } from "../errors.ts";
import type { GroupMembership } from "./group-membership.ts";
import type { GroupOffsets, PlaceToCommit, StoredCommit } from "./group-offsets.ts";
import type { OwnedDelivery } from "./owned-delivery.ts";
import type { OwnedPartitions } from "./owned-partitions.ts";

const FENCED: ReadonlySet<number> = new Set([
  ErrorNumber.ILLEGAL_GENERATION,
  ErrorNumber.UNKNOWN_MEMBER_ID,
  ErrorNumber.FENCED_INSTANCE_ID,
]);

/** What one commit stores. */
interface Settled {
  readonly delivery: OwnedDelivery;
  readonly place: PlaceToCommit;
}

/**
 * Commits handled positions in the member's generation, but only for current assignments.
 * @returns one result for each settlement
 * @throws an error of the whole request
 */
export async function settleOffsets(
  membership: GroupMembership,
  owned: OwnedPartitions,
  offsets: GroupOffsets,
  settlements: readonly Settlement[],
  signal: AbortSignal,
): Promise<readonly (StreamError | null)[]> {
  const next = new Map<number, Settled>();
  for (const { assignment, through, ahead } of settlements) {
    const current = owned.of(assignment);
    const delivery = current?.delivery ?? null;
    const place = delivery?.toCommit(through, ahead) ?? null;
    if (current !== undefined && delivery !== null && place !== null) next.set(current.partition, { delivery, place });
  }
  // The check comes before the request. If a partition is lost during the request, the group refuses its commit.
  const isOwned = settlements.map(({ assignment }) => owned.of(assignment) !== undefined);
  const isCertain = membership.hasSession;
  const codes = next.size === 0 || !isCertain ? new Map<number, number>() : await commit(membership, offsets, next, signal);
  return settlements.map(({ assignment }, index) => {
    const errorCode = codes.get(Number(assignment.partition)) ?? 0;
    if (isOwned[index] !== true) return ownershipLost(assignment.identity.topic, assignment.partition);
    if (!isCertain) return uncertain(assignment.identity.topic, assignment.partition);
    return errorCode === 0 ? null : refusal(errorCode, assignment.identity.topic, assignment.partition);
  });
}

async function commit(
  membership: GroupMembership,
  offsets: GroupOffsets,
  next: ReadonlyMap<number, Settled>,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  const { member } = membership;
  const places = new Map([...next].map(([partition, { place }]) => [partition, place]));
  const sent = new Map<number, StoredCommit>();
  const codes = await offsets.commit(member, places, signal, (partition, sending) => {
    sent.set(partition, sending);
    next.get(partition)?.delivery.sending(sending);
  });
  for (const [partition, errorCode] of codes) {
    const { delivery, place } = next.get(partition)!;
    if (errorCode === 0) delivery.stored(place, sent.get(partition)!);
  }
  const { generation, memberId } = membership.member;
  const isSame = membership.isStable && generation === member.generation && memberId === member.memberId;
  // During a rebalance the generation can change while the request is in flight. The commit is then retried with the new generation.
  if (!isSame)
    return new Map([...codes].map(([partition, code]) => [partition, FENCED.has(code) ? ErrorNumber.REBALANCE_IN_PROGRESS : code]));
  const fenced = [...codes.values()].find((code) => FENCED.has(code));
  if (fenced !== undefined) membership.fenced(fenced);
  return codes;
}

function refusal(errorCode: number, topic: string, partition: string): StreamError {
  if (errorCode === ErrorNumber.REBALANCE_IN_PROGRESS) {
    return kafkaError("unavailable", "the group is rebalancing; the commit is retried", {
      topic,
      partition,
      cause: errorOf(errorCode, "OffsetCommit"),
    });
  }
  return errorOf(errorCode, "OffsetCommit", { topic, partition });
}

/** The membership soon joins again, or hears that it has lost the partition. */
function uncertain(topic: string, partition: string): StreamError {
  const text = "the group has not answered for longer than the session: another member may own the partition; the commit is retried";
  return kafkaError("unavailable", text, { topic, partition });
}

function ownershipLost(topic: string, partition: string): StreamError {
  return kafkaError("ownership-lost", `partition ${JSON.stringify(partition)} belongs to another member, or to none`, { topic, partition });
}
