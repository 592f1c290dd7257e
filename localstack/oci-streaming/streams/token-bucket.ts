import type { ServiceClock } from "../service-clock.ts";

/** A budget that refills evenly, and holds at most what comes in one second. */
export class TokenBucket {
  readonly #clock: ServiceClock;
  readonly #perSecond: number;
  #tokens: number;
  #filledAtMs: number;

  /** @param perSecond `Infinity`: no limit */
  constructor(clock: ServiceClock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#filledAtMs = clock.elapsedMs;
  }

  /** Takes so much, if it is there. @returns 0, or the milliseconds after which it will be */
  take(amount: number): number {
    if (this.#perSecond === Infinity) return 0;
    const nowMs = this.#clock.elapsedMs;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((nowMs - this.#filledAtMs) * this.#perSecond) / 1_000);
    this.#filledAtMs = nowMs;
    if (this.#tokens < amount) return Math.max(1, Math.ceil(((amount - this.#tokens) * 1_000) / this.#perSecond));
    this.#tokens -= amount;
    return 0;
  }
}
