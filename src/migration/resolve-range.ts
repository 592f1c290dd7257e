import type { RangeRequest, ResolvedRange } from "../driver/reader-driver.ts";
import { sideCall } from "./side-call.ts";
import type { OpenSide } from "./side.ts";

/** Where a range begins and ends now. Nothing is read. @throws as `ReaderDriver.resolve`, a `StreamError` · the signal's reason */
export async function resolveRange(
  { context }: OpenSide,
  operation: string,
  request: RangeRequest,
  signal: AbortSignal,
): Promise<ResolvedRange> {
  const reader = context.driver.reader(context.nativeTopic);
  try {
    return await sideCall(context, operation, signal, (attempt) => reader.resolve(request, attempt));
  } finally {
    await reader.close();
  }
}

/** The end of every partition. */
export function resolveEnds(side: OpenSide, operation: string, signal: AbortSignal): Promise<ResolvedRange> {
  return resolveRange(side, operation, { from: { kind: "latest" }, until: null, partitions: null }, signal);
}
