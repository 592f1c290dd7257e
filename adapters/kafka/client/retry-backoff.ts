import type { Report } from "../../../src/driver/index.ts";
import { classify } from "../errors.ts";
import { pause } from "./waiting.ts";

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;

/** How something is repeated by the adapter itself: ever more slowly, told each time, without end while it can be retried. */
export class RetryBackoff {
  readonly #report: Report;
  readonly #topic: string;
  #failures = 0;

  constructor(report: Report, topic: string) {
    this.#report = report;
    this.#topic = topic;
  }

  /** It went well: the next failure is a first one. */
  reset(): void {
    this.#failures = 0;
  }

  /** Waits before the next attempt. @throws the error as ours where it cannot be retried · the signal's reason */
  async failed(operation: string, thrown: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const error = classify(thrown);
    if (!error.retryable) throw error;
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    // Members that lost the same broker do not come back all at once.
    const delayMs = Math.round(longest * (0.5 + Math.random() / 2));
    this.#failures += 1;
    if (this.#report.wants("retry")) this.#report({ kind: "retry", operation, topic: this.#topic, error, delayMs });
    await pause(delayMs, signal);
    signal.throwIfAborted();
  }
}

/** Repeats `attempt` until it succeeds. @throws what cannot be retried, as ours · the signal's reason */
export async function retrying<T>(operation: string, backoff: RetryBackoff, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await backoff.failed(operation, error, signal);
    }
  }
}
