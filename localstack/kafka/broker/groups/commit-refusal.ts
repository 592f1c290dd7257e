import { ErrorCode } from "../error-code.ts";
import type { Group, MemberIdentity } from "./group.ts";

/**
 * The code that a commit is refused with; 0: none. A group without members takes it from anybody: of tools, and of consumers that share
 * nothing out.
 */
export function commitRefusal(group: Group | undefined, identity: MemberIdentity, generation: number): number {
  const isOfNoMember = generation < 0 && identity.memberId === "" && identity.groupInstanceId === null;
  if (group === undefined) return generation < 0 ? ErrorCode.none : ErrorCode.illegalGeneration;
  if (group.state === "Empty" && generation < 0) return ErrorCode.none;
  if (isOfNoMember) return ErrorCode.unknownMemberId;
  const errorCode = group.check(identity, generation);
  if (errorCode !== ErrorCode.none) return errorCode;
  // It has joined, and has not been told yet what it owns.
  return group.state === "CompletingRebalance" ? ErrorCode.rebalanceInProgress : ErrorCode.none;
}
