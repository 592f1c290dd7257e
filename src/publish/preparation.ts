import { setTimeout as delay } from "node:timers/promises";
import { backOffMs } from "../back-off.ts";
import type { ProducerDriver } from "../driver/producer-driver.ts";
import { StreamError } from "../errors.ts";

export interface PreparationEvents {
  /** True while messages wait for `prepare`. */
  needed(): boolean;
  toError(error: unknown): StreamError;
  prepared(): void;
  /** The error is not worth a retry: all that waits fails. The next message starts a new attempt. */
  failed(error: StreamError): void;
  retrying(error: StreamError, delayMs: number): void;
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Calls `prepare` of the driver, one call at a time, until it succeeds, fails for good, or nothing waits for it. */
export class Preparation {
  readonly #driver: ProducerDriver;
  readonly #retry: { readonly initialDelayMs: number; readonly maxDelayMs: number };
  readonly #events: PreparationEvents;
  readonly #waiters = new Set<Waiter>();
  #controller = new AbortController();
  #running = false;
  #stopped = false;
  #done = false;

  constructor(driver: ProducerDriver, retry: { readonly initialDelayMs: number; readonly maxDelayMs: number }, events: PreparationEvents) {
    this.#driver = driver;
    this.#retry = retry;
    this.#events = events;
  }

  get done(): boolean {
    return this.#done;
  }

  /** Starts if it is not running: something waits for `prepare`. */
  ensure(): void {
    if (this.#running || this.#done || this.#stopped) return;
    this.#running = true;
    void this.#run();
  }

  /** Aborts a running attempt if nothing waits for it any longer. */
  abandonIfUnneeded(): void {
    if (this.#running && !this.#needed()) this.#controller.abort();
  }

  /** Resolves once prepared. @throws a terminal error of the driver, the signal's reason, `closed` */
  ready(signal: AbortSignal | undefined): Promise<void> {
    if (this.#done) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        waiter.reject(signal?.reason);
        this.abandonIfUnneeded();
      };
      const waiter: Waiter = {
        resolve: () => {
          finish();
          resolve();
        },
        reject: (error) => {
          finish();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      if (signal?.aborted === true) onAbort();
      else if (this.#stopped) waiter.reject(closedError());
      else {
        signal?.addEventListener("abort", onAbort);
        this.ensure();
      }
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#controller.abort();
    for (const waiter of this.#waiters) waiter.reject(closedError());
  }

  #needed(): boolean {
    return this.#waiters.size > 0 || this.#events.needed();
  }

  async #run(): Promise<void> {
    for (let attempt = 1; !this.#done && !this.#stopped && this.#needed(); attempt += 1) {
      if (this.#controller.signal.aborted) {
        this.#controller = new AbortController();
        attempt = 1;
      }
      const { signal } = this.#controller;
      try {
        await this.#driver.prepare(signal);
        this.#done = true;
      } catch (thrown) {
        // The error of an aborted attempt concerns nothing that waits.
        if (!signal.aborted) await this.#afterFailure(this.#events.toError(thrown), attempt, signal);
      }
    }
    this.#running = false;
    if (!this.#done || this.#stopped) return;
    for (const waiter of this.#waiters) waiter.resolve();
    this.#events.prepared();
  }

  async #afterFailure(error: StreamError, attempt: number, signal: AbortSignal): Promise<void> {
    if (!error.retryable) {
      for (const waiter of this.#waiters) waiter.reject(error);
      this.#events.failed(error);
      return;
    }
    const delayMs = backOffMs(this.#retry, attempt);
    this.#events.retrying(error, delayMs);
    try {
      await delay(delayMs, undefined, { signal });
    } catch {
      // `abandonIfUnneeded` or `stop` ended the delay early: the loop checks again whether anything waits.
    }
  }
}

function closedError(): StreamError {
  return new StreamError("closed", "the producer was closed before its topic was known");
}
