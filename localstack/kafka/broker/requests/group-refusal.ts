import { ErrorCode } from "../error-code.ts";
import type { RequestContext } from "./handler.ts";

/** The code that a request about a group is refused with, whoever asks; 0: none. */
export function groupRefusal({ cluster, node, faults }: RequestContext, groupId: string): number {
  const refusal = faults.refusalOf(ErrorCode.groupAuthorizationFailed);
  if (refusal !== ErrorCode.none) return refusal;
  const isHere = cluster.coordinatorOf(groupId) === node && !faults.has("move-coordinator");
  return isHere ? ErrorCode.none : ErrorCode.notCoordinator;
}
