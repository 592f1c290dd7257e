import type { CallOptions, CloseOptions } from "../call-options.ts";
import { channels } from "../diagnostics/channels.ts";
import { StreamError, isStreamError, withContext } from "../errors.ts";
import { type OutgoingMessage, emptyHeaders } from "../message.ts";
import { describeValue } from "../option-rules.ts";
import type { Receipt } from "../receipt.ts";
import type { TypedTopic } from "../topic-context.ts";
import { BatchSend } from "./batch-send.ts";
import { OutgoingIntake } from "./outgoing-intake.ts";
import { ProducerLifetime } from "./producer-lifetime.ts";
import { resolveProducerOptions } from "./producer-options.ts";
import type { Producer, ProducerOptions } from "./producer-types.ts";
import type { SendScheduler } from "./send-scheduler.ts";
import { SingleSend } from "./single-send.ts";
import { StreamSend, sendStream } from "./stream-send.ts";

type MoreHeaders = Readonly<Record<string, string>> | undefined;

/** The public methods of a producer: one promise for each call, checked arguments, diagnostics. */
export class TopicProducer<T, Input> implements Producer<Input> {
  readonly #context: TypedTopic<T, Input>;
  readonly #lifetime: ProducerLifetime;
  #intake: OutgoingIntake<T, Input> | null = null;

  constructor(context: TypedTopic<T, Input>, lifetime: ProducerLifetime) {
    this.#context = context;
    this.#lifetime = lifetime;
  }

  send(message: OutgoingMessage<Input>, options?: CallOptions): Promise<Receipt> {
    if (!channels.send.hasSubscribers) return this.#send(message, options, undefined);
    return this.#traced(
      () => 1,
      (headers) => this.#send(message, options, headers),
    );
  }

  sendBatch(messages: readonly OutgoingMessage<Input>[], options?: CallOptions): Promise<readonly Receipt[]> {
    if (!channels.send.hasSubscribers) return this.#sendBatch(messages, options, undefined);
    const size = Array.isArray(messages) ? messages.length : 0;
    return this.#traced(
      () => size,
      (headers) => this.#sendBatch(messages, options, headers),
    );
  }

  sendStream(messages: AsyncIterable<OutgoingMessage<Input>> | Iterable<OutgoingMessage<Input>>, options?: CallOptions): Promise<number> {
    let pulled = 0;
    const count = (): void => {
      pulled += 1;
    };
    if (!channels.send.hasSubscribers) return this.#sendStream(messages, options, undefined, count);
    return this.#traced(
      () => pulled,
      (headers) => this.#sendStream(messages, options, headers, count),
    );
  }

  releaseKey(key: string): void {
    if (typeof key !== "string") {
      const text = `releaseKey needs a string; received ${describeValue(key)}`;
      throw new StreamError("invalid-argument", text, { provider: this.#context.provider, topic: this.#context.topic, operation: "send" });
    }
    this.#intake?.releaseKey(key);
  }

  async flush(options?: CallOptions): Promise<void> {
    await this.#lifetime.flush(this.#lifetime.signalOf(options, "flush"));
  }

  close(options?: CloseOptions): Promise<void> {
    return this.#lifetime.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(message: OutgoingMessage<Input>, options: CallOptions | undefined, headers: MoreHeaders): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      const group = new SingleSend(resolve, reject);
      try {
        const signal = this.#lifetime.signalOf(options, "send");
        this.#openScheduler().requireRoom();
        const pending = this.#openIntake().accept(message, 0, { group, deadlineMs: this.#lifetime.deadlineMs(), headers });
        if (signal !== undefined && pending !== null && pending.state !== "settled") group.watch(this.#lifetime.watch, signal, pending);
      } catch (error) {
        reject(this.#refusal(error, options));
      }
    });
  }

  #sendBatch(
    messages: readonly OutgoingMessage<Input>[],
    options: CallOptions | undefined,
    headers: MoreHeaders,
  ): Promise<readonly Receipt[]> {
    return new Promise((resolve, reject) => {
      try {
        const signal = this.#lifetime.signalOf(options, "sendBatch");
        if (!Array.isArray(messages)) {
          throw new StreamError("invalid-argument", `sendBatch needs an array of messages; received ${describeValue(messages)}`);
        }
        const scheduler = this.#openScheduler();
        if (messages.length === 0) {
          resolve([]);
          return;
        }
        scheduler.requireRoom();
        const group = new BatchSend(messages.length, signal, this.#lifetime.watch, resolve, reject);
        const origin = { group, deadlineMs: this.#lifetime.deadlineMs(), headers };
        const intake = this.#openIntake();
        let index = 0;
        for (; index < messages.length && signal?.aborted !== true; index += 1) {
          const pending = intake.accept(messages[index], index, origin);
          if (pending !== null) group.queued(pending);
        }
        group.taken(index);
      } catch (error) {
        reject(refusedWhole(this.#refusal(error, options), messages));
      }
    });
  }

  async #sendStream(
    messages: AsyncIterable<OutgoingMessage<Input>> | Iterable<OutgoingMessage<Input>>,
    options: CallOptions | undefined,
    headers: MoreHeaders,
    count: () => void,
  ): Promise<number> {
    let group: StreamSend;
    let scheduler: SendScheduler;
    let signal: AbortSignal | undefined;
    try {
      signal = this.#lifetime.signalOf(options, "sendStream");
      scheduler = this.#openScheduler();
      group = new StreamSend(signal, this.#lifetime.watch);
    } catch (error) {
      throw this.#streamRefusal(error, options);
    }
    // Half of the bound, so that a stream leaves room for the other calls of the producer.
    const maxOpenBytes = this.#lifetime.settings.maxBufferedBytes / 2;
    const window = { maxOpenBytes, hasRoom: () => scheduler.waitingBytes < maxOpenBytes };
    const take = (message: OutgoingMessage<Input>): void => {
      count();
      const index = group.pulled();
      let pending;
      try {
        this.#openScheduler();
        pending = this.#openIntake().accept(message, index, { group, deadlineMs: this.#lifetime.deadlineMs(), headers });
      } catch (error) {
        group.refused(index, this.#context.toError(error, "send"));
        return;
      }
      if (pending === null) return;
      group.queued(pending);
      // The application's own codec aborted the call while it encoded this message, which was not among the call's messages yet.
      if (signal?.aborted === true && pending.state !== "settled") scheduler.giveUp([pending], signal.reason);
    };
    try {
      return await sendStream(messages, group, window, take);
    } catch (error) {
      throw this.#streamRefusal(error, options);
    }
  }

  #streamRefusal(error: unknown, options: CallOptions | undefined): unknown {
    const refusal = this.#refusal(error, options);
    return isStreamError(refusal) && refusal !== options?.signal?.reason ? withContext(refusal, { stored: 0 }) : refusal;
  }

  #openScheduler(): SendScheduler {
    return this.#lifetime.scheduler;
  }

  #openIntake(): OutgoingIntake<T, Input> {
    this.#intake ??= new OutgoingIntake(this.#context, this.#openScheduler(), this.#lifetime.settings.messageIds);
    return this.#intake;
  }

  /** The reason of the caller's own signal stays as it is; anything else becomes a coded error. */
  #refusal(error: unknown, options: CallOptions | undefined): unknown {
    return options?.signal?.aborted === true && error === options.signal.reason ? error : this.#context.toError(error, "send");
  }

  #traced<Result>(messages: () => number, send: (headers: Readonly<Record<string, string>>) => Promise<Result>): Promise<Result> {
    const { provider, topic } = this.#context;
    const headers = emptyHeaders();
    const event = {
      provider,
      topic,
      headers,
      get messages() {
        return messages();
      },
    };
    return channels.send.tracePromise(() => send(headers), event);
  }
}

/** A call of `sendBatch` that is refused as a whole has the error as the outcome of each of its messages. */
function refusedWhole(error: unknown, messages: unknown): unknown {
  if (!isStreamError(error) || !Array.isArray(messages)) return error;
  const receipts = new Array<null>(messages.length).fill(null);
  const failures = receipts.map((_, index) => ({ index, error }));
  return withContext(error, { batch: { receipts, failures } });
}

/** Opens nothing: the topic is looked up at the first send. @throws `invalid-argument` for wrong options · `closed` */
export function createProducer<T, Input>(context: TypedTopic<T, Input>, options: ProducerOptions | undefined): Producer<Input> {
  const settings = resolveProducerOptions(options);
  context.requireOpen("send");
  return new TopicProducer(context, new ProducerLifetime(context, settings));
}
