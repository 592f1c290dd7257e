import { neverAborted } from "./abortable.ts";
import type { RetriedCall } from "./retried-call.ts";
import type { TopicContext } from "./topic-context.ts";

/** A call about a topic, which is retried as long as the connection retries its calls. */
export function callOn(
  context: Pick<TopicContext, "provider" | "topic" | "retryForMs" | "toError">,
  operation: string,
  signal: AbortSignal = neverAborted(),
): RetriedCall {
  const { provider, topic } = context;
  return {
    provider,
    topic,
    operation,
    signal,
    retryForMs: context.retryForMs(),
    toError: (error) => context.toError(error, operation),
  };
}
