/** Does it have to be awaited? A native promise or anybody else's. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** For waits that a deadline may end: that is an answer as well, and the caller looks for itself at what has been reached. */
export async function ignoreRejection(waiting: Promise<unknown>): Promise<void> {
  await waiting.catch(() => undefined);
}
