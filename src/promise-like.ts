/** Whether a value has to be awaited: a native promise, or another object with `then`. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** For waits that a deadline may end: the caller checks the state afterwards, so a rejection counts as an end as well. */
export async function ignoreRejection(waiting: Promise<unknown>): Promise<void> {
  await waiting.catch(() => undefined);
}
