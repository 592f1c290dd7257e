import type { SliceResult } from "../driver/producer-driver.ts";
import type { StreamError } from "../errors.ts";
import type { ActiveCall } from "./active-call.ts";
import type { CallAnswer } from "./dispatcher.ts";
import { type PublishContext, sendError } from "./publish-context.ts";

/** One result a slice, whatever the driver did. Results that are no answer to this call tell nothing about any of it. */
export function resultsOf(call: ActiveCall, answer: CallAnswer, context: PublishContext): readonly SliceResult[] {
  let error: StreamError;
  if ("thrown" in answer) {
    error = context.toError(answer.thrown, "send");
  } else {
    if (Array.isArray(answer.results) && answer.results.length === call.slices.length) return answer.results;
    error = sendError(context, "internal", "the driver did not answer one result a slice");
  }
  return call.slices.map(() => ({ outcome: "unknown", error }));
}
