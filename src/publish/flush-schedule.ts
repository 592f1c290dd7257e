import { clearImmediate, setImmediate } from "node:timers";
import { type ProducerTimer, nowMs } from "./producer-timer.ts";

/** When queued messages leave: at the end of this turn of the event loop, or when they have lingered long enough. */
export class FlushSchedule {
  readonly #lingerMs: number;
  readonly #timer: ProducerTimer;
  readonly #flush: () => void;
  #lingerEndMs = Infinity;
  #immediate: NodeJS.Immediate | null = null;

  constructor(lingerMs: number, timer: ProducerTimer, flush: () => void) {
    this.#lingerMs = lingerMs;
    this.#timer = timer;
    this.#flush = flush;
  }

  /** Does a call that becomes full leave earlier? */
  get lingers(): boolean {
    return this.#lingerMs > 0;
  }

  /** There is something to send. */
  soon(): void {
    if (this.#lingerMs === 0) this.now();
    else if (this.#lingerEndMs === Infinity) {
      this.#lingerEndMs = nowMs() + this.#lingerMs;
      this.#timer.set(this.#lingerEndMs);
    }
  }

  /** Without waiting for more than this turn brings. */
  now(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      this.#lingerEndMs = Infinity;
      this.#flush();
    });
  }

  tick(now: number): void {
    if (now >= this.#lingerEndMs) this.now();
    else this.#timer.set(this.#lingerEndMs);
  }

  stop(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
  }
}
