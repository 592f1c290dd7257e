import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { abortable } from "./abortable.ts";
import { backOffMs } from "./back-off.ts";
import { channels } from "./diagnostics/channels.ts";
import { StreamError } from "./errors.ts";

/** How long a call is tried again that has no time of its own: administration, the opening of a reader. */
export const CALL_PATIENCE_MS = 30_000;

const PAUSES = { initialDelayMs: 100, maxDelayMs: 2_000 };

/** What is tried again, and how long. */
export interface RetriedCall {
  readonly provider: string;
  readonly operation: string;
  readonly topic: string | undefined;
  /** The caller's own: the call ends with its reason. */
  readonly signal: AbortSignal;
  /** 0: it is tried once, and may take as long as it does. Infinity: until `signal` aborts. */
  readonly patienceMs: number;
  toError(error: unknown): StreamError;
  /** Before each pause. */
  failed?(error: StreamError): void;
}

/**
 * Tries a call again, with back-off, while its error is retryable; each failure is published on `streamport:retry`. What sends has a
 * deadline of its own instead (`deliveryTimeoutMs`), and what reads or consumes in the background its driver tries again.
 * @param attempt its signal aborts with that of the call, or when the time is over
 * @throws what is not retryable · when the time is over, the last failure, or `timeout` where nothing was answered · the signal's reason
 */
export async function retriedCall<T>(call: RetriedCall, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, patienceMs } = call;
  if (patienceMs === 0) return abortable(attempt(signal), signal);
  const late = new AbortController();
  const timer = patienceMs === Infinity ? undefined : setTimeout(() => late.abort(), patienceMs);
  const over = AbortSignal.any([signal, late.signal]);
  let failure: StreamError | undefined;
  try {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await abortable(attempt(over), over);
      } catch (thrown) {
        over.throwIfAborted();
        failure = call.toError(thrown);
        if (!failure.retryable) throw thrown;
        call.failed?.(failure);
        await pause(call, failure, backOffMs(PAUSES, attempts), over);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!late.signal.aborted) throw error;
    throw tooLate(failure, patienceMs);
  } finally {
    clearTimeout(timer);
  }
}

async function pause({ provider, operation, topic }: RetriedCall, error: StreamError, delayMs: number, signal: AbortSignal): Promise<void> {
  if (channels.retry.hasSubscribers) channels.retry.publish({ provider, topic: topic ?? null, operation, error, delayMs });
  await sleep(delayMs, undefined, { signal });
}

function tooLate(failure: StreamError | undefined, patienceMs: number): StreamError {
  if (failure === undefined) return new StreamError("timeout", `no answer within ${patienceMs} ms`);
  const { code, message, retryable, partition } = failure;
  return new StreamError(code, `${message}; tried again for ${patienceMs} ms`, { retryable, partition, cause: failure });
}
