import { performance } from "node:perf_hooks";

/**
 * The time of the emulator: that of the machine, plus what it was advanced by. Times of storing are those of `Date`, which an application's
 * tests may fake; deadlines run on a clock that cannot be set back.
 */
export class EmulatorClock {
  #advancedMs = 0;
  readonly #advanced: (() => void)[] = [];

  /** Milliseconds since the epoch. */
  get nowMs(): number {
    return Date.now() + this.#advancedMs;
  }

  /** Milliseconds since some moment. */
  get elapsedMs(): number {
    return performance.now() + this.#advancedMs;
  }

  /** Lets this time pass at once. */
  advance(ms: number): void {
    this.#advancedMs += ms;
    for (const tell of this.#advanced) tell();
  }

  /** @param tell what has to be done whenever time has been advanced */
  onAdvanced(tell: () => void): void {
    this.#advanced.push(tell);
  }
}
