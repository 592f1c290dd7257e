import { performance } from "node:perf_hooks";
import type { Arrivals } from "./arrivals.ts";
import { ANSWER_MS, type StreamingPull } from "./streaming-pull.ts";

/** A time that is measured in such steps is not over because this process was busy. */
const STEP_MS = 1_000;

/** Since when nothing was heard of a message, and whether the service has nothing more on its way. */
export class Silence {
  readonly #arrivals: Arrivals;
  /** On the monotonic clock. */
  #sinceMs: number;
  /** The service answers signs of life; old emulators do not. */
  #answersSigns = false;

  /** @param fromMs on the monotonic clock: silence before says nothing */
  constructor(arrivals: Arrivals, fromMs: number) {
    this.#arrivals = arrivals;
    this.#sinceMs = fromMs;
  }

  /** It begins again. */
  heard(): void {
    this.#sinceMs = Math.max(this.#sinceMs, performance.now());
    this.#arrivals.wake();
  }

  /** What is on its way may take so long from now on. */
  saysNothingFor(ms: number): void {
    this.#sinceMs = Math.max(this.#sinceMs, performance.now() + ms);
  }

  signAnswered(): void {
    this.#answersSigns = true;
  }

  /** How much longer it has to last. */
  leftMs(quietMs: number): number {
    return this.#sinceMs + quietMs - performance.now();
  }

  /** This process may have been busy, so that what has come is not seen yet: what the service has sent is seen before its next answer. */
  async isConfirmedBy(stream: StreamingPull, signal: AbortSignal): Promise<boolean> {
    // Nothing but time says there that nothing comes.
    if (stream.hasNoSigns) return true;
    const sinceMs = this.#sinceMs;
    // The first answers may be those to earlier signs.
    for (let rounds = stream.unanswered + 1; rounds > 0; rounds -= 1) {
      const before = stream.unanswered;
      stream.signOfLife();
      for (let waitedMs = 0; stream.unanswered > before;) {
        if (waitedMs >= ANSWER_MS) return !this.#answersSigns;
        if (!(await this.#arrivals.whenWoken(STEP_MS, signal))) waitedMs += STEP_MS;
        if (!stream.isOpen || this.#sinceMs !== sinceMs || signal.aborted) return false;
      }
    }
    stream.forgetSigns();
    return true;
  }
}
