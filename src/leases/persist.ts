import { type StreamError, isStreamError } from "../driver/index.ts";
import type { Clock } from "./clock.ts";

/** When a call is repeated, and until when. */
export interface Persistence {
  readonly clock: Clock;
  readonly watchMs: number;
  readonly signal: AbortSignal;
  /** Told before each pause. */
  readonly retried?: (error: StreamError) => void;
}

/** Repeats what can be repeated until the signal aborts. */
export async function persist<T>({ clock, watchMs, signal, retried }: Persistence, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      requireRepeatable(error, signal);
      retried?.(error);
      await clock.sleep(watchMs, signal);
    }
  }
}

/** @throws the error, unless its call can be repeated · the signal's reason */
export function requireRepeatable(error: unknown, signal: AbortSignal): asserts error is StreamError {
  signal.throwIfAborted();
  if (!isStreamError(error) || !error.retryable) throw error;
}
