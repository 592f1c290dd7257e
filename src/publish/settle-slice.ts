import type { RecordResult, SliceResult } from "../driver/producer-driver.ts";
import type { StreamError, StreamErrorCode } from "../errors.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { StoredTime } from "../stored-time.ts";
import type { TopicContext } from "../topic-context.ts";
import type { ActiveCall } from "./active-call.ts";
import type { CallAnswer } from "./dispatcher.ts";
import type { PendingMessage } from "./pending-message.ts";
import type { StoredSlice } from "./receipt.ts";
import { sendError } from "./send-error.ts";

/** A defect of the driver: its answer does not give the outcome of the slice. A retry would bring the same answer. */
interface InvalidAnswer {
  readonly outcome: "unanswered";
  /** Has the code `internal`, and names the driver as the cause. */
  readonly error: StreamError;
}

/** A refusal with one of these is the same for every message: a search for a culprit would try all of them one by one. */
const NOT_ABOUT_A_MESSAGE: ReadonlySet<StreamErrorCode> = new Set([
  "permission-denied",
  "unauthenticated",
  "not-found",
  "conflict",
  "configuration",
  "closed",
]);

const OUTCOMES: ReadonlySet<unknown> = new Set(["stored", "refused", "retryable", "unknown"]);

/** A call that takes longer than this is late: each of its lanes travels alone until a call of that lane is in time. */
export const LATE_CALL_MS = 1_000;

/** A message that was refused for good, or whose outcome the driver does not give. */
export interface RefusedMessage {
  readonly message: PendingMessage;
  readonly error: StreamError;
  /** So many messages that are retried stood before it: the first of `toRetry`. It does not block them. */
  readonly retriedBefore: number;
}

/** What is left to do for a slice after its stored messages have been settled. */
export interface SliceFollowUp {
  /** To be retried, in order. */
  readonly toRetry: PendingMessage[];
  /** Refused for good. */
  readonly failures: RefusedMessage[];
  /** Why and how long to wait before the retry; `null`: no wait. */
  retry: { readonly error: StreamError; readonly retryAfterMs: number } | null;
  /** The slice was refused as a whole and has several messages: one of them is the culprit. */
  split: boolean;
}

const DONE: SliceFollowUp = Object.freeze({ toRetry: [], failures: [], retry: null, split: false });

/** Settles the stored messages of a slice and sorts the rest. Messages that have settled before are left out. */
export function settleSlice(
  records: readonly PendingMessage[],
  result: SliceResult | InvalidAnswer,
  provider: string,
  identity: TopicIdentity,
): SliceFollowUp {
  switch (result.outcome) {
    case "stored": {
      const slice = new SliceReceipts(provider, identity, result);
      for (let at = 0; at < records.length; at += 1) {
        const record = records[at]!;
        if (record.state !== "settled") record.resolve(slice, at);
      }
      return DONE;
    }
    case "refused":
      if (records.length > 1 && !NOT_ABOUT_A_MESSAGE.has(result.error.code)) {
        return { toRetry: records.filter(isOpen), failures: [], retry: null, split: true };
      }
      return sortOne(records, () => result, provider, identity);
    case "retryable":
    case "unknown":
    case "unanswered":
      return sortOne(records, () => result, provider, identity);
    case "each":
      return sortOne(records, (at) => result.results[at]!, provider, identity);
  }
}

/** One object for a slice, without a function of its own: with distinct keys there are as many slices as messages. */
class SliceReceipts implements StoredSlice {
  readonly provider: string;
  readonly identity: TopicIdentity;
  readonly #result: Pick<StoredSlice, "partition" | "timestampMs" | "positionOf">;

  constructor(provider: string, identity: TopicIdentity, result: Pick<StoredSlice, "partition" | "timestampMs" | "positionOf">) {
    this.provider = provider;
    this.identity = identity;
    this.#result = result;
  }

  get partition(): string | null {
    return this.#result.partition;
  }

  get timestampMs(): StoredTime | null {
    return this.#result.timestampMs;
  }

  positionOf(index: number): string | null {
    return this.#result.positionOf(index);
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
        message.resolve(new SliceReceipts(provider, identity, { partition, timestampMs, positionOf: () => position }), 0);
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
        message.markMaybeStored();
        followUp.toRetry.push(message);
        wait(followUp, result.error, 0);
        return;
      case "unanswered":
        message.markMaybeStored();
        followUp.failures.push({ message, error: result.error, retriedBefore: followUp.toRetry.length });
    }
  });
  return followUp;
}

function wait(followUp: SliceFollowUp, error: StreamError, retryAfterMs = 0): void {
  followUp.retry = { error, retryAfterMs: Math.max(retryAfterMs, followUp.retry?.retryAfterMs ?? 0) };
}

/**
 * A call of several slices was refused because of one message, and no slice is blamed for it: each may be sent again, although its error
 * is not one that passes.
 */
export function isRefusedAsAWhole(results: readonly (SliceResult | InvalidAnswer)[]): boolean {
  return (
    results.length > 1 &&
    results.every((result) => result.outcome === "retryable" && !result.error.retryable && (result.retryAfterMs ?? 0) === 0)
  );
}

/** One result for each slice, whatever the driver did. Results that do not fit this call say nothing about any slice of it. */
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
    if (outcome !== "each") return problem("a slice without one of the possible outcomes");
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
