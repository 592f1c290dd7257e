/** For waits that a deadline may end: that is an answer as well, and the caller looks for itself at what has been reached. */
export async function withoutError(waiting: Promise<unknown>): Promise<void> {
  await waiting.catch(() => undefined);
}
