import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";
/** Whole milliseconds on a clock that is never set back. */
export function nowMs(): number {
  return Math.trunc(performance.now());
}

/** The one timer of a producer: rings at the earliest of the times that it was told since it last rang. */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | null = null;
  #atMs = Infinity;
  #keepsAlive = false;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  set(atMs: number): void {
    if (atMs >= this.#atMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#atMs = atMs;
    this.#timer = setTimeout(
      () => {
        this.clear();
        this.#ring();
      },
      Math.max(1, atMs - nowMs()),
    );
    if (!this.#keepsAlive) this.#timer.unref();
  }

  /** An idle producer does not keep the process alive; one with messages under way does. */
  keepAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive;
    if (keepsAlive) this.#timer?.ref();
    else this.#timer?.unref();
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#atMs = Infinity;
  }
}
