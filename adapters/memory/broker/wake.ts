import { clearTimeout, setTimeout } from "node:timers";
/** The longest timer that Node accepts. */
const FOR_EVER_MS = 2 ** 31 - 1;

/**
 * Lets callers wait for an event without polling. While a caller waits, the process stays alive, as it would with
 * an open connection to a server.
 */
export class Wake {
  readonly #waiting = new Set<() => void>();
  #version = 0;

  /** Counts the calls of `wake`. Read it before you look for news, then wait from that version on: then no call is missed. */
  get version(): number {
    return this.#version;
  }

  /** Wakes all callers that wait now. */
  wake(): void {
    this.#version += 1;
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }

  /** Resolves when `wake` has been called since that version, the signal aborts, or `timeoutMs` have passed. Never rejects. @returns whether `wake` was called */
  wait(since: number, signal: AbortSignal, timeoutMs = FOR_EVER_MS): Promise<boolean> {
    if (signal.aborted || since !== this.#version) return Promise.resolve(!signal.aborted);
    return new Promise((resolve) => {
      const finish = (woken: boolean): void => {
        this.#waiting.delete(resume);
        signal.removeEventListener("abort", abandon);
        clearTimeout(timer);
        resolve(woken);
      };
      const resume = (): void => finish(true);
      const abandon = (): void => finish(false);
      const timer = setTimeout(abandon, timeoutMs);
      this.#waiting.add(resume);
      signal.addEventListener("abort", abandon);
    });
  }
}
