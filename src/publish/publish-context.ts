import { StreamError, type StreamErrorCode, type StreamErrorDetails } from "../errors.ts";
import type { TopicContext } from "../topic-context.ts";

/** What publishing needs of a topic, with or without a codec. */
export type PublishContext = Pick<
  TopicContext,
  "driver" | "provider" | "topic" | "nativeTopic" | "capabilities" | "requireCapability" | "toError" | "track"
>;

/** An error of the publishing side, with where it happened. */
export function sendError(
  context: Pick<PublishContext, "provider" | "topic">,
  code: StreamErrorCode,
  message: string,
  details: StreamErrorDetails = {},
): StreamError {
  return new StreamError(code, message, { provider: context.provider, topic: context.topic, operation: "send", ...details });
}
