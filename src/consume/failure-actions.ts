import { StreamError, withContext } from "../errors.ts";
import { ReceivedMessage } from "../message.ts";
import { describeValue } from "../option-rules.ts";
import type { MessageSource } from "../position/position.ts";
import type { RecordSender } from "../record-sender.ts";
import type { TopicContext } from "../topic-context.ts";
import { type ResolvedConsumerOptions, isFailureAction, requireOtherTopic } from "./consumer-options.ts";
import type { Failure, FailureAction } from "./consumer-types.ts";
import { deadLetterRecord } from "./dead-letter.ts";
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

/** What is done with messages that failed for good: the application's decision, carried out. */
export class FailureActions {
  readonly #services: TopicContext;
  readonly #options: ResolvedConsumerOptions;
  readonly #signal: AbortSignal;
  readonly #fail: (error: StreamError) => void;
  /** By topic, each opened and checked at its first use. */
  readonly #senders = new Map<string, Promise<RecordSender>>();

  /** `signal`: nobody waits any longer. */
  constructor(services: TopicContext, options: ResolvedConsumerOptions, signal: AbortSignal, fail: (error: StreamError) => void) {
    this.#services = services;
    this.#options = options;
    this.#signal = signal;
    this.#fail = fail;
  }

  /** Checks a fixed dead-letter topic, before anything is consumed. @throws what its topic says */
  async prepare(): Promise<void> {
    const { onFailure } = this.#options;
    if (typeof onFailure === "object") await this.#sender(onFailure.deadLetter);
  }

  /** Answers whether the message counts as handled now; else `fail` has been told. Never rejects. */
  async settle(source: MessageSource, entry: Entry, attemptFailure: AttemptFailure): Promise<boolean> {
    const failure = describeFailure(source, entry, attemptFailure);
    // Without a wait, so that nothing starts between the failure and the stop.
    if (this.#options.onFailure === "stop") return this.#stop(failure);
    let action: FailureAction;
    try {
      action = await this.#decide(failure);
    } catch (cause) {
      const { position } = failure.message;
      const { provider, topic, partition } = source;
      const details = { cause, provider, topic, partition, position, operation: "consume" };
      this.#fail(new StreamError("handler-failed", "onFailure gave no action for a failed message", details));
      return false;
    }
    if (action === "skip") return true;
    return action === "stop" ? this.#stop(failure) : this.#storeDeadLetter(action.deadLetter, failure);
  }

  #stop({ error }: Failure): false {
    this.#fail(error);
    return false;
  }

  async #decide(failure: Failure): Promise<FailureAction> {
    const { onFailure } = this.#options;
    const action: unknown = typeof onFailure === "function" ? await onFailure(failure) : onFailure;
    if (isFailureAction(action)) return action;
    throw new StreamError(
      "invalid-argument",
      `onFailure returned ${describeValue(action)}; allowed are "stop", "skip" and { deadLetter: topic }`,
    );
  }

  async #storeDeadLetter(topic: string, failure: Failure): Promise<boolean> {
    const { partition, position } = failure.message;
    try {
      const sender = await this.#sender(topic);
      await sender.sendRecord(deadLetterRecord(failure, this.#options.group, sender), this.#signal);
      return true;
    } catch (thrown) {
      // Nobody waits any longer: the message comes again.
      if (this.#signal.aborted) return false;
      const known = this.#services.toError(thrown, "consume");
      const text = `the dead letter was not stored in ${JSON.stringify(topic)}: ${known.message}`;
      const details = { cause: known, retryable: false, partition, position, operation: "consume" };
      this.#fail(withContext(new StreamError(known.code, text, details), { provider: known.provider, topic: this.#services.topic }));
      return false;
    }
  }

  #sender(topic: string): Promise<RecordSender> {
    let sender = this.#senders.get(topic);
    if (sender === undefined) {
      sender = this.#open(topic);
      this.#senders.set(topic, sender);
    }
    return sender;
  }

  async #open(topic: string): Promise<RecordSender> {
    requireOtherTopic(topic, this.#services);
    const sender = this.#services.recordSender(topic);
    try {
      await sender.prepare(this.#signal);
      return sender;
    } catch (error) {
      await sender.close({ timeoutMs: 0 });
      throw error;
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    for (const opening of await Promise.allSettled(this.#senders.values())) {
      // A sender that could not be opened has told so where it was needed, and is closed already.
      if (opening.status === "fulfilled") await opening.value.close({ timeoutMs: 0 });
    }
  }
}

/** The failure of one message as the application gets it. */
function describeFailure(source: MessageSource, entry: Entry, { code, thrown }: AttemptFailure): Failure {
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
