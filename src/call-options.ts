export interface CallOptions {
  signal?: AbortSignal | undefined;
}

const DEFAULT_CLOSE_MS = 10_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long a `close` may take. It never rejects, so an invalid time counts as absent. */
export function closeTimeoutMs(options: CloseOptions | undefined): number {
  const timeoutMs: unknown = options?.timeoutMs;
  return typeof timeoutMs === "number" && timeoutMs >= 0 ? Math.min(timeoutMs, LONGEST_TIMER_MS) : DEFAULT_CLOSE_MS;
}

export interface CloseOptions {
  /** After it, running handlers are aborted (their messages are redelivered) and unsent messages reject with `closed`. @default 10_000 */
  timeoutMs?: number | undefined;
}
