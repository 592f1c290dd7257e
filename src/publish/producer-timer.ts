import { performance } from "node:perf_hooks";
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from "node:timers";

/** A timer that fires so much too late shows that the process was stopped, or its event loop blocked. */
const LATE_MS = 50;

/** Whole milliseconds of a monotonic clock. */
export function nowMs(): number {
  return Math.trunc(performance.now());
}

/** The one timer of a producer: it fires at the earliest of the times that were set since it last fired. */
export class ProducerTimer {
  readonly #onTime: () => void;
  #timer: NodeJS.Timeout | null = null;
  #nextTurn: NodeJS.Immediate | null = null;
  #atMs = Infinity;
  #keepsAlive = false;

  constructor(onTime: () => void) {
    this.#onTime = onTime;
  }

  set(atMs: number): void {
    if (atMs >= this.#atMs) return;
    // It fires at the end of this turn of the event loop in any case.
    if (this.#nextTurn !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#atMs = atMs;
    this.#timer = setTimeout(() => this.#isDue(), Math.max(1, atMs - nowMs()));
    if (!this.#keepsAlive) this.#timer.unref();
  }

  /** Answers that arrived while the process was stopped are queued behind this timer: they are processed before deadlines are checked. */
  #isDue(): void {
    const fire = (): void => {
      this.clear();
      this.#onTime();
    };
    if (nowMs() - this.#atMs < LATE_MS) fire();
    else this.#nextTurn = setImmediate(fire);
  }

  /** An idle producer does not keep the process alive; one with messages in flight does. */
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
