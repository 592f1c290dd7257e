import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

/** So much of a second may be sent at once. */
const BURST = 0.1;

/** Spreads messages over time, for all partitions of a copier together. */
export class RateLimit {
  readonly #perSecond: number;
  /** When the next message may go, in milliseconds of the monotonic clock. */
  #nextMs = performance.now();

  /** @param perSecond `null`: no limit */
  constructor(perSecond: number | null) {
    this.#perSecond = perSecond ?? Infinity;
  }

  /** How many messages to ask for at once, at most. */
  get most(): number {
    return this.#perSecond === Infinity ? Infinity : Math.max(1, Math.floor(this.#perSecond * BURST));
  }

  /** Resolves when so many more may be sent. @throws the signal's reason */
  async take(messages: number, signal: AbortSignal): Promise<void> {
    if (this.#perSecond === Infinity) return;
    const now = performance.now();
    const startMs = Math.max(now, this.#nextMs);
    this.#nextMs = startMs + (messages / this.#perSecond) * 1_000;
    if (startMs > now) await sleep(startMs - now, undefined, { signal });
  }
}
