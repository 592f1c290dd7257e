import { ErrorCode, Refusal } from "../error-code.ts";
import type { RequestContext } from "./handler.ts";

/** The code that a request about a transactional id is refused with, whoever asks; 0: none. */
export function transactionRefusal({ cluster, node, faults }: RequestContext, transactionalId: string): number {
  const refusal = faults.refusalOf(ErrorCode.transactionalIdAuthorizationFailed);
  if (refusal !== ErrorCode.none) return refusal;
  return cluster.coordinatorOf(transactionalId) === node ? ErrorCode.none : ErrorCode.notCoordinator;
}

/** The code of a `Refusal`, for a client that knows PRODUCER_FENCED or does not. Anything else is thrown on. */
export function refusalOf(error: unknown, knowsFenced: boolean): number {
  if (!(error instanceof Refusal)) throw error;
  return error.errorCode === ErrorCode.producerFenced && !knowsFenced ? ErrorCode.invalidProducerEpoch : error.errorCode;
}
