import { retriedCall } from "../retried-call.ts";
import { callOn } from "../topic-call.ts";
import type { TopicContext } from "../topic-context.ts";

/**
 * One call to the driver of a side, retried while its error is retryable.
 * @param attemptMs as of `RetriedCall`
 * @throws a `StreamError` · the signal's reason
 */
export async function sideCall<Result>(
  context: TopicContext,
  operation: string,
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<Result>,
  attemptMs = 0,
): Promise<Result> {
  try {
    return await retriedCall({ ...callOn(context, operation, signal), attemptMs }, call);
  } catch (error) {
    signal?.throwIfAborted();
    throw context.toError(error, operation);
  }
}
