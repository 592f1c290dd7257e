import type { RecordResult, SliceResult } from "../driver/producer-driver.ts";
import type { StreamError } from "../errors.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { TopicContext } from "../topic-context.ts";
import type { ActiveCall } from "./active-call.ts";
import type { CallAnswer } from "./dispatcher.ts";
import type { PendingMessage } from "./pending-message.ts";
import { sendError } from "./publish-context.ts";

/** A defect of the driver: its answer does not say what became of the slice. To ask again would bring the same answer. */
interface InvalidAnswer {
  readonly outcome: "unanswered";
  /** `internal`; blames the driver. */
  readonly error: StreamError;
}

const OUTCOMES: ReadonlySet<unknown> = new Set(["stored", "refused", "retryable", "unknown"]);

/** A call that takes longer than this is late: its lanes travel alone until one is in time. */
export const LATE_CALL_MS = 1_000;

/** A message that was refused for good, or of which the driver does not say what became of it. */
export interface RefusedMessage {
  readonly message: PendingMessage;
  readonly error: StreamError;
  /** So many of those that go again stood in front of it: the first of `toRetry`, which it does not block. */
  readonly retriedBefore: number;
}

/** What is left to do for a slice after its stored messages have been settled. */
export interface SliceFollowUp {
  /** To go again, in order. */
  readonly toRetry: PendingMessage[];
  /** Refused for good. */
  readonly failures: RefusedMessage[];
  /** Why to wait before they go again; `null`: at once. */
  retry: { readonly error: StreamError; readonly retryAfterMs: number } | null;
  /** The slice was refused as a whole and has several messages: one of them is to blame. */
  split: boolean;
}

const DONE: SliceFollowUp = Object.freeze({ toRetry: [], failures: [], retry: null, split: false });

/** Settles what is stored of a slice and sorts the rest. Messages whose callers have given up are left out. */
export function settleSlice(
  records: readonly PendingMessage[],
  result: SliceResult | InvalidAnswer,
  provider: string,
  identity: TopicIdentity,
): SliceFollowUp {
  switch (result.outcome) {
    case "stored": {
      const slice = {
        provider,
        identity,
        partition: result.partition,
        timestampMs: result.timestampMs,
        positionOf: (index: number) => result.positionOf(index),
      };
      for (let at = 0; at < records.length; at += 1) {
        const record = records[at]!;
        if (record.state !== "settled") record.resolve(slice, at);
      }
      return DONE;
    }
    case "refused":
      if (records.length > 1) return { toRetry: records.filter(isOpen), failures: [], retry: null, split: true };
      return sortOne(records, () => result, provider, identity);
    case "retryable":
    case "unknown":
    case "unanswered":
      return sortOne(records, () => result, provider, identity);
    case "each":
      return sortOne(records, (at) => result.results[at]!, provider, identity);
  }
}

function isOpen(message: PendingMessage): boolean {
  return message.state !== "settled";
}

function sortOne(
  records: readonly PendingMessage[],
  resultOf: (at: number) => RecordResult | InvalidAnswer,
  provider: string,
  identity: TopicIdentity,
): SliceFollowUp {
  const followUp: SliceFollowUp = { toRetry: [], failures: [], retry: null, split: false };
  records.forEach((message, at) => {
    if (!isOpen(message)) return;
    const result = resultOf(at);
    switch (result.outcome) {
      case "stored": {
        const { partition, position, timestampMs } = result;
        message.resolve({ provider, identity, partition, timestampMs, positionOf: () => position }, 0);
        return;
      }
      case "refused":
        followUp.failures.push({ message, error: result.error, retriedBefore: followUp.toRetry.length });
        return;
      case "retryable":
        followUp.toRetry.push(message);
        wait(followUp, result.error, result.retryAfterMs);
        return;
      case "unknown":
        message.maybeStored = true;
        followUp.toRetry.push(message);
        wait(followUp, result.error, 0);
        return;
      case "unanswered":
        message.maybeStored = true;
        followUp.failures.push({ message, error: result.error, retriedBefore: followUp.toRetry.length });
    }
  });
  return followUp;
}

function wait(followUp: SliceFollowUp, error: StreamError, retryAfterMs = 0): void {
  followUp.retry = { error, retryAfterMs: Math.max(retryAfterMs, followUp.retry?.retryAfterMs ?? 0) };
}

/** One result a slice, whatever the driver did. Results that are no answer to this call tell nothing about any of it. */
export function normalizeResults(call: ActiveCall, answer: CallAnswer, context: TopicContext): readonly (SliceResult | InvalidAnswer)[] {
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
