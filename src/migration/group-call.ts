import type { OpenSide } from "./side.ts";
import { sideCall } from "./side-call.ts";

/** Long enough for the session of a dead member: only when it is over it is certain that the member does not live. */
const SESSION_WAIT_MS = 90_000;

/** One call of the administration of groups, retried while its error is retryable. @throws a `StreamError` · the signal's reason */
export function groupCall<Result>(
  { context }: OpenSide,
  operation: string,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  return sideCall(context, operation, signal, call, SESSION_WAIT_MS);
}
