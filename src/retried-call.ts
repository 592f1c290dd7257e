import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { abortable } from "./abortable.ts";
import { backOffMs } from "./back-off.ts";
import { channels } from "./diagnostics/channels.ts";
import { StreamError } from "./errors.ts";

/** How long a call without a deadline of its own is retried: administration, the opening of a reader. */
export const RETRY_CALLS_FOR_MS = 30_000;

const PAUSES = { initialDelayMs: 100, maxDelayMs: 2_000 };

/** A call that is retried, and for how long. */
export interface RetriedCall {
  readonly provider: string;
  readonly operation: string;
  readonly topic: string | undefined;
  /** The caller's own signal: when it aborts, the call ends with its reason. */
  readonly signal: AbortSignal;
  /** 0: the call is tried once, without a time limit. Infinity: it is retried until `signal` aborts. */
  readonly retryForMs: number;
  /** How long an attempt may take that waits for something else than an answer, also behind the time for retries. @default 0 */
  readonly attemptMs?: number | undefined;
  toError(error: unknown): StreamError;
  /** Called before each pause. */
  failed?(error: StreamError): void;
}

/**
 * Retries a call with back-off while its error is retryable; each failure is published on `streamport:retry`. A send has a deadline of
 * its own instead (`deliveryTimeoutMs`), and the driver itself retries the fetches of readers and consumers.
 * @param attempt its signal aborts with the signal of the call, or when the time is over
 * @throws an error that is not retryable · when the time is over, the last failure, or `timeout` where no attempt has ended · the signal's reason
 */
export async function retriedCall<T>(call: RetriedCall, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, retryForMs, attemptMs = 0 } = call;
  if (retryForMs === 0) return abortable(attempt(signal), signal);
  const limit = new Limit(retryForMs);
  const over = AbortSignal.any([signal, limit.reached]);
  let failure: StreamError | undefined;
  try {
    for (let attempts = 1; ; attempts += 1) {
      try {
        limit.extend(attemptMs);
        return await abortable(attempt(over), over);
      } catch (thrown) {
        over.throwIfAborted();
        failure = call.toError(thrown);
        if (!failure.retryable) throw thrown;
        call.failed?.(failure);
        limit.extend(0);
        await pause(call, failure, backOffMs(PAUSES, attempts), over);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.reached.aborted) throw error;
    throw tooLate(failure, failure === undefined ? Math.max(retryForMs, attemptMs) : retryForMs);
  } finally {
    limit.end();
  }
}

/** Aborts `reached` when the time is over. */
class Limit {
  readonly #late = new AbortController();
  readonly #endMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#endMs = performance.now() + ms;
    this.extend(0);
  }

  get reached(): AbortSignal {
    return this.#late.signal;
  }

  /** From now on it takes at least so long. 0: as at first. */
  extend(ms: number): void {
    const leftMs = Math.max(this.#endMs - performance.now(), ms);
    this.end();
    if (leftMs <= 0) this.#late.abort();
    else if (leftMs !== Infinity) this.#timer = setTimeout(() => this.#late.abort(), leftMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

async function pause({ provider, operation, topic }: RetriedCall, error: StreamError, delayMs: number, signal: AbortSignal): Promise<void> {
  if (channels.retry.hasSubscribers) channels.retry.publish({ provider, topic: topic ?? null, operation, error, delayMs });
  await sleep(delayMs, undefined, { signal });
}

function tooLate(failure: StreamError | undefined, retryForMs: number): StreamError {
  if (failure === undefined) return new StreamError("timeout", `no answer within ${retryForMs} ms`);
  const { code, message, retryable, partition } = failure;
  return new StreamError(code, `${message}; tried again for ${retryForMs} ms`, { retryable, partition, cause: failure });
}
