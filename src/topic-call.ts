import type { RetriedCall } from "./retried-call.ts";
import type { TopicContext } from "./topic-context.ts";

/** A call about a topic, which is retried as long as the connection retries its calls, and ends as `closed` with the connection. */
export function callOn(
  context: Pick<TopicContext, "provider" | "topic" | "retryForMs" | "toError" | "closing">,
  operation: string,
  signal?: AbortSignal,
): RetriedCall {
  const { provider, topic } = context;
  return {
    provider,
    topic,
    operation,
    signal: signal === undefined ? context.closing : AbortSignal.any([signal, context.closing]),
    retryForMs: context.retryForMs(),
    toError: (error) => context.toError(error, operation),
  };
}
