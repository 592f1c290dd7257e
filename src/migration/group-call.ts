import { retriedCall } from "../retried-call.ts";
import { callOn } from "../topic-call.ts";
import type { OpenSide } from "./side.ts";

/** Long enough for the session of a dead member: only when it is over it is certain that the member does not live. */
const SESSION_WAIT_MS = 90_000;

/** One call of the administration of groups, retried while its error is retryable. @throws a `StreamError` · the signal's reason */
export async function groupCall<Result>(
  { context }: OpenSide,
  operation: string,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  try {
    return await retriedCall({ ...callOn(context, operation, signal), attemptMs: SESSION_WAIT_MS }, call);
  } catch (error) {
    signal.throwIfAborted();
    throw context.toError(error, operation);
  }
}
