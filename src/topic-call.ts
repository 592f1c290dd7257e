import { neverAborted } from "./abortable.ts";
import type { RetriedCall } from "./retried-call.ts";
import type { TopicContext } from "./topic-context.ts";

/** A call about a topic, to be tried again as long as the connection's calls are. */
export function callOn(
  context: Pick<TopicContext, "provider" | "topic" | "callPatienceMs" | "toError">,
  operation: string,
  signal: AbortSignal = neverAborted(),
): RetriedCall {
  const { provider, topic } = context;
  return {
    provider,
    topic,
    operation,
    signal,
    patienceMs: context.callPatienceMs(),
    toError: (error) => context.toError(error, operation),
  };
}
