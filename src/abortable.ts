/**
 * Settles as the promise does, or rejects with the signal's reason as soon as that aborts, also when the promise never
 * settles. The listener is always removed, so a signal that lives for ever may be shared by any number of calls.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    // After an abort both are no-ops: the late result is ignored.
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
