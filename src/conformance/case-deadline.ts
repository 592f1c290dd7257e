import { PromiseViolation } from "./case-outcome.ts";
import { type Pace, longEnough } from "./pace.ts";

/**
 * How a case waits: for a condition, never for a fixed time. The only deadline is the case's signal. When it aborts, the condition
 * that the case waits for becomes the reason of the failure.
 */
export class CaseDeadline {
  readonly signal: AbortSignal;
  readonly #pace: Pace;
  readonly #changed = new Set<() => void>();

  constructor(signal: AbortSignal, pace: Pace) {
    this.signal = signal;
    this.#pace = pace;
  }

  /**
   * For durations that a case gives to the target, such as a time-out: `durationMs`, or as long as so many calls, one after the other,
   * take on a slow target.
   */
  longEnough(durationMs: number, calls: number): number {
    return longEnough(durationMs, calls, this.#pace);
  }

  /** Something happened, so all conditions are checked again. */
  notify(): void {
    for (const look of [...this.#changed]) look();
  }

  /**
   * Resolves once `condition` holds. It is checked after each `notify`, and every 5 ms for changes elsewhere.
   * @param what names what was missing, for the failure
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

  /** As `until`, for a condition that only the provider can answer. */
  async untilAsked(question: () => Promise<boolean>, what: string | (() => string)): Promise<void> {
    for (let pauseMs = 5; !(await this.within(question(), what)); pauseMs = Math.min(200, pauseMs * 2)) {
      await this.pause(pauseMs, what);
    }
  }

  /** Only for clocks that have to move on, as for retention. To give something a chance to happen, use `until`. */
  async pause(durationMs: number, what: string | (() => string)): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, durationMs);
    try {
      await this.within(promise, what);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The promise, or a failure that names `what` if the case runs out of time first. */
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
