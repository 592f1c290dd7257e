import { StreamError, type StreamErrorCode, type StreamErrorDetails } from "../errors.ts";
import type { TopicContext } from "../topic-context.ts";

/** An error of publishing, with provider, topic and operation. */
export function sendError(
  context: Pick<TopicContext, "provider" | "topic">,
  code: StreamErrorCode,
  message: string,
  details: StreamErrorDetails = {},
): StreamError {
  return new StreamError(code, message, { provider: context.provider, topic: context.topic, operation: "send", ...details });
}
