import { ErrorCode } from "../error-code.ts";
import type { RequestContext } from "./handler.ts";

/** The code with which every request about a group is refused; 0: none. */
export function groupRefusal({ cluster, node, faults }: RequestContext, groupId: string): number {
  const refusal = faults.refusalOf(ErrorCode.groupAuthorizationFailed);
  if (refusal !== ErrorCode.none) return refusal;
  const isHere = cluster.coordinatorOf(groupId) === node && !faults.has("move-coordinator");
  return isHere ? ErrorCode.none : ErrorCode.notCoordinator;
}
