import { type StreamError, isStreamError } from "../errors.ts";
import { sideCall } from "./side-call.ts";
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
    const lag = await sideCall(context, operation, signal, (attempt) =>
      context.driver.admin.lag(context.nativeTopic, context.checkedGroup(group), request, attempt),
    );
    return lag.messages;
  } catch (error) {
    if (!signal.aborted && isStreamError(error, ...unknown)) return null;
    throw error;
  }
}
