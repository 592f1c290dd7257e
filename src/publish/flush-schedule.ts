import { clearImmediate, setImmediate } from "node:timers";
import { type ProducerTimer, nowMs } from "./producer-timer.ts";

/** Decides when queued messages are sent: at the end of this turn of the event loop, or when `lingerMs` has passed. */
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

  /** With `lingerMs`, a call that becomes full is made earlier. */
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

  /** Sends at the end of this turn of the event loop. */
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
