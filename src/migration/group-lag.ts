import { type StreamError, isStreamError } from "../errors.ts";
import { retriedCall } from "../retried-call.ts";
import { callOn } from "../topic-call.ts";
import type { OpenSide } from "./side.ts";

/**
 * How many messages the group has not handled; from the beginning where it has no place.
 * @param unknown codes of errors that mean that nobody knows
 * @returns `null` where nobody knows, or the provider does not report it. @throws a `StreamError` · the signal's reason
 */
export async function groupLag(
  { context }: OpenSide,
  group: string,
  operation: string,
  unknown: readonly StreamError["code"][],
  signal: AbortSignal,
): Promise<number | null> {
  if (!context.capabilities.lagInMessages) return null;
  const request = { partitions: null, initialPosition: { kind: "earliest" } } as const;
  try {
    const lag = await retriedCall(callOn(context, operation, signal), (attempt) =>
      context.driver.admin.lag(context.nativeTopic, context.checkedGroup(group), request, attempt),
    );
    return lag.messages;
  } catch (error) {
    signal.throwIfAborted();
    if (isStreamError(error, ...unknown)) return null;
    throw context.toError(error, operation);
  }
}
