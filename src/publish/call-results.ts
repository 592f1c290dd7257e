import type { SliceResult } from "../driver/producer-driver.ts";
import type { StreamError } from "../errors.ts";
import type { ActiveCall } from "./active-call.ts";
import type { CallAnswer } from "./dispatcher.ts";
import { type PublishContext, sendError } from "./publish-context.ts";

/** A defect of the driver: its answer does not say what became of the slice. To ask again would bring the same answer. */
export interface InvalidAnswer {
  readonly outcome: "unanswered";
  /** `internal`; blames the driver. */
  readonly error: StreamError;
}

const OUTCOMES: ReadonlySet<unknown> = new Set(["stored", "refused", "retryable", "unknown"]);

/** One result a slice, whatever the driver did. Results that are no answer to this call tell nothing about any of it. */
export function normalizeResults(call: ActiveCall, answer: CallAnswer, context: PublishContext): readonly (SliceResult | InvalidAnswer)[] {
  const { slices } = call;
  if ("thrown" in answer) {
    const error = context.toError(answer.thrown, "send");
    return slices.map(() => ({ outcome: "unknown", error }));
  }
  const results: unknown = answer.results;
  const problem = (what: string): InvalidAnswer => {
    return { outcome: "unanswered", error: sendError(context, "internal", `the driver is at fault: its write answered ${what}`) };
  };
  if (!Array.isArray(results) || results.length !== slices.length) {
    const error = problem(
      `${count(results)} to a call of ${slices.length} slices; allowed is an array of one result a slice, in their order`,
    );
    return slices.map(() => error);
  }
  const isAnswer = (result: unknown, at: number): boolean => isResult(result, slices[at]!.records.length);
  if (results.every(isAnswer)) return results as readonly SliceResult[];
  return results.map((result: unknown, at) => {
    if (isAnswer(result, at)) return result as SliceResult;
    const { outcome, results: each } = (result ?? {}) as { readonly outcome?: unknown; readonly results?: unknown };
    if (outcome !== "each") return problem("a slice without one of the outcomes that there are");
    const { length } = slices[at]!.records;
    return problem(`${count(each)} to a slice of ${length} records; allowed is an array of one result a record, in their order`);
  });
}

function isResult(result: unknown, records: number): boolean {
  if (typeof result !== "object" || result === null) return false;
  const { outcome, results } = result as { readonly outcome?: unknown; readonly results?: unknown };
  if (outcome !== "each") return OUTCOMES.has(outcome);
  return Array.isArray(results) && results.length === records && results.every((one: SliceResult | null) => OUTCOMES.has(one?.outcome));
}

function count(results: unknown): string {
  if (Array.isArray(results)) return `${results.length} results`;
  return results === null ? "null" : typeof results;
}
