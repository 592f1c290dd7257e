import { StreamError } from "../errors.ts";
import { ReceivedMessage } from "../message.ts";
import type { MessageSource } from "../position/position.ts";
import type { Failure } from "./consumer-types.ts";
import { type Entry, attemptOf } from "./work.ts";

/** Why an attempt failed. `thrown`: what the handler threw, or the `corrupt` error. */
export interface AttemptFailure {
  readonly code: "handler-failed" | "timeout" | "corrupt";
  readonly thrown: unknown;
}

/** How an attempt ended: failed as a whole, or only these messages of it, or not at all. */
export interface AttemptOutcome {
  readonly failure: AttemptFailure | null;
  readonly failures: ReadonlyMap<Entry, AttemptFailure>;
}

/** The failure of one message as the application gets it. */
export function describeFailure(source: MessageSource, entry: Entry, { code, thrown }: AttemptFailure): Failure {
  // `failures` counts the attempt that has just failed.
  const attempts = Math.max(1, attemptOf(entry) - 1);
  const message = new ReceivedMessage<Uint8Array | null>(source, entry.record, entry.key, entry.record.value);
  if (thrown instanceof StreamError && thrown.code === "corrupt" && code === "corrupt") return { error: thrown, attempts, message };
  const text = code === "timeout" ? "the handler has not settled in time" : "the handler failed";
  const { provider, topic, partition } = source;
  const error = new StreamError(code, `${text} (attempt ${attempts})`, {
    cause: thrown,
    retryable: false,
    provider,
    operation: "consume",
    topic,
    partition,
    position: message.position,
  });
  return { error, attempts, message };
}
