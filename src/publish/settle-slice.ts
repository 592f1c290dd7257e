import type { RecordResult, SliceResult } from "../driver/producer-driver.ts";
import type { StreamError } from "../errors.ts";
import type { TopicIdentity } from "../position/position.ts";
import type { Unanswered } from "./call-results.ts";
import type { PendingMessage } from "./pending-message.ts";

/** A call that takes longer than this is late: its lanes travel alone until one is in time. */
export const LATE_CALL_MS = 1_000;

/** A message that was refused for good, or of which the driver does not say what became of it. */
export interface RefusedMessage {
  readonly message: PendingMessage;
  readonly error: StreamError;
  /** So many of those that go again stood in front of it: the first of `again`, which it does not block. */
  readonly inFront: number;
}

/** What is left to do for a slice after its stored messages have been settled. */
export interface SliceRemainder {
  /** To go again, in order. */
  readonly again: PendingMessage[];
  /** Refused for good. */
  readonly failures: RefusedMessage[];
  /** Why to wait before they go again; `null`: at once. */
  retry: { readonly error: StreamError; readonly retryAfterMs: number } | null;
  /** The slice was refused as a whole and has several messages: one of them is to blame. */
  split: boolean;
}

const DONE: SliceRemainder = Object.freeze({ again: [], failures: [], retry: null, split: false });

/** Settles what is stored of a slice and sorts the rest. Messages whose callers have given up are left out. */
export function settleSlice(
  records: readonly PendingMessage[],
  result: SliceResult | Unanswered,
  provider: string,
  identity: TopicIdentity,
): SliceRemainder {
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
      if (records.length > 1) return { again: records.filter(isOpen), failures: [], retry: null, split: true };
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
  resultOf: (at: number) => RecordResult | Unanswered,
  provider: string,
  identity: TopicIdentity,
): SliceRemainder {
  const remainder: SliceRemainder = { again: [], failures: [], retry: null, split: false };
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
        remainder.failures.push({ message, error: result.error, inFront: remainder.again.length });
        return;
      case "retryable":
        remainder.again.push(message);
        wait(remainder, result.error, result.retryAfterMs);
        return;
      case "unknown":
        message.maybeStored = true;
        remainder.again.push(message);
        wait(remainder, result.error, 0);
        return;
      case "unanswered":
        message.maybeStored = true;
        remainder.failures.push({ message, error: result.error, inFront: remainder.again.length });
    }
  });
  return remainder;
}

function wait(remainder: SliceRemainder, error: StreamError, retryAfterMs = 0): void {
  remainder.retry = { error, retryAfterMs: Math.max(retryAfterMs, remainder.retry?.retryAfterMs ?? 0) };
}
