import { performance } from "node:perf_hooks";
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from "node:timers";

/** A timer that fires so much later than it should says that the process was stopped, or its event loop blocked. */
const LATE_MS = 50;

/** Whole milliseconds on a clock that is never set back. */
export function nowMs(): number {
  return Math.trunc(performance.now());
}

/** The one timer of a producer: rings at the earliest of the times that it was told since it last rang. */
export class ProducerTimer {
  readonly #onTime: () => void;
  #timer: NodeJS.Timeout | null = null;
  #nextTurn: NodeJS.Immediate | null = null;
  #atMs = Infinity;
  #keepsAlive = false;

  constructor(ring: () => void) {
    this.#onTime = ring;
  }

  set(atMs: number): void {
    if (atMs >= this.#atMs) return;
    // It rings at the end of this turn, whatever it is told.
    if (this.#nextTurn !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#atMs = atMs;
    this.#timer = setTimeout(() => this.#isDue(), Math.max(1, atMs - nowMs()));
    if (!this.#keepsAlive) this.#timer.unref();
  }

  /** Answers that have come while the process was stopped are waiting behind this timer: they are heard before deadlines are judged. */
  #isDue(): void {
    const ring = (): void => {
      this.clear();
      this.#onTime();
    };
    if (nowMs() - this.#atMs < LATE_MS) ring();
    else this.#nextTurn = setImmediate(ring);
  }

  /** An idle producer does not keep the process alive; one with messages under way does. */
  keepAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive;
    if (keepsAlive) this.#timer?.ref();
    else this.#timer?.unref();
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#nextTurn !== null) clearImmediate(this.#nextTurn);
    this.#timer = null;
    this.#nextTurn = null;
    this.#atMs = Infinity;
  }
}
