import { ErrorCode, Refusal } from "../error-code.ts";
import type { RequestContext } from "./handler.ts";

/** The code with which every request about a transactional id is refused; 0: none. */
export function transactionRefusal({ cluster, node, faults }: RequestContext, transactionalId: string): number {
  const refusal = faults.refusalOf(ErrorCode.transactionalIdAuthorizationFailed);
  if (refusal !== ErrorCode.none) return refusal;
  return cluster.coordinatorOf(transactionalId) === node ? ErrorCode.none : ErrorCode.notCoordinator;
}

/** The code of a `Refusal`, for a client that may not know PRODUCER_FENCED. Other errors are rethrown. */
export function refusalOf(error: unknown, knowsFenced: boolean): number {
  if (!(error instanceof Refusal)) throw error;
  return error.errorCode === ErrorCode.producerFenced && !knowsFenced ? ErrorCode.invalidProducerEpoch : error.errorCode;
}
