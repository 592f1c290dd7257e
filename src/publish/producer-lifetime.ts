import { clearTimeout, setTimeout } from "node:timers";
import { abortable } from "../abortable.ts";
import { checkOptions, rules } from "../checked-options.ts";
import { type CallOptions, type CloseOptions, closeTimeoutMs } from "../options.ts";
import { AbortWatch } from "./abort-watch.ts";
import { nowMs } from "./alarm.ts";
import type { ProducerSettings } from "./producer-options.ts";
import { type PublishContext, sendError } from "./publish-context.ts";
import { SendScheduler } from "./send-scheduler.ts";
import type { PendingMessage } from "./pending-message.ts";

/** What a producer and a sender of plain records have in common: opened by the first use, flushed and closed once. */
export class ProducerLifetime {
  readonly context: PublishContext;
  readonly settings: ProducerSettings;
  readonly #untrack: () => void;
  #scheduler: SendScheduler | null = null;
  #closing: Promise<void> | null = null;
  readonly watch = new AbortWatch((groups, reason) => {
    const messages: PendingMessage[] = [];
    const told = [...groups];
    for (const group of told) for (const message of group.openMessages()) if (message.state !== "settled") messages.push(message);
    this.#scheduler?.giveUp(messages, reason);
    for (const group of told) group.aborted(reason);
  });

  constructor(context: PublishContext, settings: ProducerSettings) {
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

  /** For checks: has nothing been left behind? */
  get isEmpty(): boolean {
    return (this.#scheduler === null || this.#scheduler.isEmpty) && this.watch.size === 0;
  }

  /** When a call that is made now has to have its answer. */
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
    await abortable(scheduler.outstanding.settled(), signal);
  }

  /** Never rejects. */
  async close(options?: CloseOptions): Promise<void> {
    this.#closing ??= this.#close(closeTimeoutMs(options));
    await this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    // The state above is set before anything else happens.
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
      // The contract says that it never rejects; a driver that does has still been closed.
      await Promise.resolve(scheduler.driver.close()).catch(() => undefined);
    }
    this.#untrack();
  }
}
