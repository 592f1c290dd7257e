import { ErrorCode } from "../error-code.ts";
import type { Group, MemberIdentity } from "./group.ts";

/**
 * The code with which a commit is refused; 0: none. A group without members accepts every commit: those of tools, and of consumers
 * without a group protocol.
 */
export function commitRefusal(group: Group | undefined, identity: MemberIdentity, generation: number): number {
  const isOfNoMember = generation < 0 && identity.memberId === "" && identity.groupInstanceId === null;
  if (group === undefined) return generation < 0 ? ErrorCode.none : ErrorCode.illegalGeneration;
  if (group.state === "Empty" && generation < 0) return ErrorCode.none;
  if (isOfNoMember) return ErrorCode.unknownMemberId;
  const errorCode = group.check(identity, generation);
  if (errorCode !== ErrorCode.none) return errorCode;
  // The member has joined, but has not received its assignment yet.
  return group.state === "CompletingRebalance" ? ErrorCode.rebalanceInProgress : ErrorCode.none;
}
