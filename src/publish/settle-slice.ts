import type { RecordResult, SliceResult } from "../driver/producer-driver.ts";
import type { StreamError } from "../errors.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { InvalidAnswer } from "./call-results.ts";
import type { PendingMessage } from "./pending-message.ts";

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
