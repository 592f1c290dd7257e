import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";

/** A signal that aborts after some time, unless it is cleared before. Then it leaves no timer behind. */
export class Deadline {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #atMs = Infinity;

  constructor(afterMs?: number) {
    if (afterMs !== undefined) this.shorten(afterMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts so many milliseconds from now, if that is earlier than planned. */
  shorten(afterMs: number): void {
    const atMs = performance.now() + afterMs;
    if (atMs >= this.#atMs) return;
    this.clear();
    this.#atMs = atMs;
    this.#timer = setTimeout(() => this.#controller.abort(), afterMs);
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
