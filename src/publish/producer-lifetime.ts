import { clearTimeout, setTimeout } from "node:timers";
import { abortable } from "../abortable.ts";
import { type CallOptions, type CloseOptions, closeTimeoutMs } from "../call-options.ts";
import { checkOptions, rules } from "../option-rules.ts";
import type { TopicContext } from "../topic-context.ts";
import { AbortWatch } from "./abort-watch.ts";
import type { PendingMessage } from "./pending-message.ts";
import type { ResolvedProducerOptions } from "./producer-options.ts";
import { nowMs } from "./producer-timer.ts";
import { sendError } from "./send-error.ts";
import { SendScheduler } from "./send-scheduler.ts";

/** What a producer and a sender of plain records share: the first use opens it; it is flushed and closed once. */
export class ProducerLifetime {
  readonly context: TopicContext;
  readonly settings: ResolvedProducerOptions;
  readonly #untrack: () => void;
  #scheduler: SendScheduler | null = null;
  #closing: Promise<void> | null = null;
  readonly watch = new AbortWatch((groups, reason) => {
    const messages: PendingMessage[] = [];
    const aborted = [...groups];
    for (const group of aborted) for (const message of group.openMessages()) if (message.state !== "settled") messages.push(message);
    this.#scheduler?.giveUp(messages, reason);
    for (const group of aborted) group.aborted(reason);
  });

  constructor(context: TopicContext, settings: ResolvedProducerOptions) {
    this.context = context;
    this.settings = settings;
    this.#untrack = context.track({ stage: "producer", close: (options) => this.close(options) });
  }

  /** Made at the first use. @throws `closed` */
  get scheduler(): SendScheduler {
    if (this.#closing !== null) throw sendError(this.context, "closed", "the producer has been closed");
    this.#scheduler ??= new SendScheduler(this.context, this.settings);
    return this.#scheduler;
  }

  /** For tests: true when nothing is kept of messages that have settled. */
  get isEmpty(): boolean {
    return (this.#scheduler === null || this.#scheduler.isEmpty) && this.watch.size === 0;
  }

  /** The deadline of a call that is made now. */
  deadlineMs(): number {
    return nowMs() + this.settings.deliveryTimeoutMs;
  }

  /** The checked signal of a call. @throws `invalid-argument`, or the reason of a signal that has been aborted already */
  signalOf(options: CallOptions | undefined, where: string): AbortSignal | undefined {
    if (options === undefined) return undefined;
    checkOptions(`${where} options`, options, { signal: rules.abortSignal });
    options.signal?.throwIfAborted();
    return options.signal;
  }

  async flush(signal?: AbortSignal): Promise<void> {
    const scheduler = this.#scheduler;
    if (scheduler === null) return;
    scheduler.flushNow();
    await abortable(scheduler.unsettled.settled(), signal);
  }

  /** Never rejects. */
  async close(options?: CloseOptions): Promise<void> {
    this.#closing ??= this.#close(closeTimeoutMs(options));
    await this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    // `#closing` is set before anything else happens.
    await Promise.resolve();
    const scheduler = this.#scheduler;
    if (scheduler !== null) {
      let timer: NodeJS.Timeout | undefined;
      const expired = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([this.flush(), expired]);
      clearTimeout(timer);
      const text = `the producer was closed before this message could be stored within timeoutMs (${timeoutMs})`;
      scheduler.failAll(sendError(this.context, "closed", text));
      scheduler.stop();
      // By the contract this never rejects. A driver that rejects nevertheless counts as closed.
      await Promise.resolve(scheduler.driver.close()).catch(() => undefined);
    }
    this.#untrack();
  }
}
