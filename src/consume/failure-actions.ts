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

/** Why an attempt failed. `thrown` is the value that the handler threw, or the `corrupt` error. */
export interface AttemptFailure {
  readonly code: "handler-failed" | "timeout" | "corrupt";
  readonly thrown: unknown;
}

/** How an attempt ended. */
export interface AttemptOutcome {
  /** Set when the attempt failed as a whole. */
  readonly failure: AttemptFailure | null;
  /** Else the messages that failed; empty: all are handled. */
  readonly failures: ReadonlyMap<Entry, AttemptFailure>;
}

/** Carries out what the application decided for messages that failed for good. */
export class FailureActions {
  readonly #context: TopicContext;
  readonly #options: ResolvedConsumerOptions;
  readonly #signal: AbortSignal;
  readonly #fail: (error: StreamError) => void;
  /** By topic. Each is opened and checked when it is first used. */
  readonly #senders = new Map<string, Promise<RecordSender>>();

  /** `signal` aborts when the actions are not waited for any longer. */
  constructor(context: TopicContext, options: ResolvedConsumerOptions, signal: AbortSignal, fail: (error: StreamError) => void) {
    this.#context = context;
    this.#options = options;
    this.#signal = signal;
    this.#fail = fail;
  }

  /** Checks a fixed dead-letter topic before anything is consumed. @throws what opening the topic throws */
  async prepare(): Promise<void> {
    const { onFailure } = this.#options;
    if (typeof onFailure === "object") await this.#sender(onFailure.deadLetter);
  }

  /** Answers whether the message counts as handled now. If not, `fail` was called, or the signal has aborted. Never rejects. */
  async settle(source: MessageSource, entry: Entry, attemptFailure: AttemptFailure): Promise<boolean> {
    const failure = describeFailure(source, entry, attemptFailure);
    // At once, so that nothing starts between the failure and the stop.
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
      // The member is leaving: the message is redelivered.
      if (this.#signal.aborted) return false;
      const known = this.#context.toError(thrown, "consume");
      const text = `the dead letter was not stored in ${JSON.stringify(topic)}: ${known.message}`;
      const details = { cause: known, retryable: false, partition, position, operation: "consume", capability: known.capability };
      this.#fail(withContext(new StreamError(known.code, text, details), { provider: known.provider, topic: this.#context.topic }));
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
    requireOtherTopic(topic, this.#context);
    const sender = this.#context.recordSender(topic);
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
      // A sender that could not be opened is closed already, and its error was reported when it was needed.
      if (opening.status === "fulfilled") await opening.value.close({ timeoutMs: 0 });
    }
  }
}

/** The failure of one message in the form that the application gets. */
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
