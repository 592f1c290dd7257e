export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface CloseOptions {
  /** After it, running handlers are aborted (their messages come again) and unsent messages reject with `closed`. @default 10_000 */
  timeoutMs?: number | undefined;
}
