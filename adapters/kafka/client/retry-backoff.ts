import type { Report } from "../../../src/driver/index.ts";
import { classify } from "../errors.ts";
import { pause } from "./waiting.ts";

const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 1_000;

/** The back-off of retries in the adapter. The delay grows, each retry is reported, and retryable errors are retried without a limit. */
export class RetryBackoff {
  readonly #report: Report;
  readonly #topic: string;
  #failures = 0;

  constructor(report: Report, topic: string) {
    this.#report = report;
    this.#topic = topic;
  }

  /** An attempt succeeded: the next failure is a first one. */
  reset(): void {
    this.#failures = 0;
  }

  /** Waits before the next attempt. @throws the error as a `StreamError` if it is not retryable · the signal's reason */
  async failed(operation: string, thrown: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const error = classify(thrown);
    if (!error.retryable) throw error;
    const maxMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    // The random part spreads the retries of members that lost the same broker.
    const delayMs = Math.round(maxMs * (0.5 + Math.random() / 2));
    this.#failures += 1;
    if (this.#report.wants("retry")) this.#report({ kind: "retry", operation, topic: this.#topic, error, delayMs });
    await pause(delayMs, signal);
    signal.throwIfAborted();
  }
}

/** Repeats `attempt` until it succeeds. @throws a `StreamError` that is not retryable · the signal's reason */
export async function retrying<T>(operation: string, backoff: RetryBackoff, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await backoff.failed(operation, error, signal);
    }
  }
}
