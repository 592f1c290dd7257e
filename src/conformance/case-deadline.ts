import { PromiseViolation } from "./case-outcome.ts";

/**
 * How a case waits: for a condition, never for a while. There is one deadline, the case's signal; when it aborts, what is
 * being waited for becomes the reason of the failure.
 */
export class CaseDeadline {
  readonly signal: AbortSignal;
  readonly #changed = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  /** Something happened: conditions are looked at again. */
  notify(): void {
    for (const look of [...this.#changed]) look();
  }

  /**
   * Resolves once `condition` holds. Looked at after each `notify`, and now and then for what happens elsewhere.
   * @param what says on failure what was missing
   */
  async until(condition: () => boolean, what: string | (() => string)): Promise<void> {
    if (condition()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      try {
        if (condition()) resolve();
      } catch (error) {
        reject(error);
      }
    };
    const poll = setInterval(look, 5);
    this.#changed.add(look);
    try {
      await this.within(promise, what);
    } finally {
      clearInterval(poll);
      this.#changed.delete(look);
    }
  }

  /** As `until`, for a question that has to be asked of the provider. */
  async untilAsked(question: () => Promise<boolean>, what: string | (() => string)): Promise<void> {
    for (let pauseMs = 5; !(await this.within(question(), what)); pauseMs = Math.min(200, pauseMs * 2)) {
      await this.pause(pauseMs, what);
    }
  }

  /** For clocks that have to move on, such as retention; not for giving something a chance to happen. */
  async pause(durationMs: number, what: string | (() => string)): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, durationMs);
    try {
      await this.within(promise, what);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The promise, unless the case runs out of time first: then a failure that says `what`. */
  async within<T>(promise: PromiseLike<T>, what: string | (() => string)): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => {
      const text = typeof what === "string" ? what : what();
      reject(new PromiseViolation(`out of time while waiting: ${text}`, { cause: this.signal.reason }));
    };
    if (this.signal.aborted) giveUp();
    this.signal.addEventListener("abort", giveUp, { once: true });
    try {
      return await Promise.race([promise, late]);
    } finally {
      this.signal.removeEventListener("abort", giveUp);
    }
  }
}
