export interface Backoff {
  /** Doubles, with jitter. @default 100 */
  initialDelayMs?: number | undefined;
  /** @default 10_000 */
  maxDelayMs?: number | undefined;
}

/** How long to wait before attempt number `attempt` + 1: doubling up to the bound, half of it at random. */
export function backOffMs(retry: { readonly initialDelayMs: number; readonly maxDelayMs: number }, attempt: number): number {
  const ceiling = Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** Math.min(attempt - 1, 30));
  return Math.ceil(ceiling * (0.5 + Math.random() / 2));
}
