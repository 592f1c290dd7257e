import { backOffMs } from "../back-off.ts";
import type { Report, StreamError } from "../driver/index.ts";
import { pause } from "./pause.ts";

/** How an adapter retries what it retries by itself: polls, joins, renewals; never a publish. */
export interface RetrySettings {
  readonly report: Report;
  readonly topic?: string | undefined;
  /** That of the driver. */
  readonly classify: (error: unknown) => StreamError;
  /** The least pause that the service asks for in this error, in milliseconds; `null`: it names none. Absent: the service never names one. */
  readonly retryAfterMs?: ((error: unknown) => number | null) | undefined;
  /** Doubles with each failure, half of it at random. @default 50 */
  readonly initialDelayMs?: number | undefined;
  /** @default 1_000 */
  readonly maxDelayMs?: number | undefined;
}

const INITIAL_DELAY_MS = 50;
const MAX_DELAY_MS = 1_000;

/** The pauses between the attempts of one piece of work. They grow, each is reported, and there is no last attempt. */
export class RetryBackoff {
  readonly #settings: RetrySettings;
  readonly #pauses: { readonly initialDelayMs: number; readonly maxDelayMs: number };
  #failures = 0;

  constructor(settings: RetrySettings) {
    const { initialDelayMs = INITIAL_DELAY_MS, maxDelayMs = MAX_DELAY_MS } = settings;
    this.#settings = settings;
    this.#pauses = { initialDelayMs, maxDelayMs };
  }

  /** An attempt has succeeded: the next failure is a first one. */
  reset(): void {
    this.#failures = 0;
  }

  /**
   * Waits before the next attempt, and reports it: as `retry`, and as `throttle` too where the service asked for less.
   * @param operation in the provider's own words
   * @throws the error as a `StreamError` if it is not retryable · the signal's reason
   */
  async failed(operation: string, thrown: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { report, topic, classify, retryAfterMs } = this.#settings;
    const error = classify(thrown);
    if (!error.retryable) throw error;
    this.#failures += 1;
    const askedMs = retryAfterMs?.(thrown) ?? null;
    const delayMs = Math.max(backOffMs(this.#pauses, this.#failures), askedMs ?? 0);
    if (error.code === "throttled" && report.wants("throttle")) report({ kind: "throttle", operation, topic, delayMs: askedMs });
    if (report.wants("retry")) report({ kind: "retry", operation, topic, error, delayMs });
    await pause(delayMs, signal);
    signal.throwIfAborted();
  }
}

/** Repeats `attempt` until it succeeds. @throws a `StreamError` that is not retryable · the signal's reason */
export async function retrying<Answer>(
  operation: string,
  backoff: RetryBackoff,
  signal: AbortSignal,
  attempt: () => Promise<Answer> | Answer,
): Promise<Answer> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await backoff.failed(operation, error, signal);
    }
  }
}
