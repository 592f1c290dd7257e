import { performance } from "node:perf_hooks";

/** The time of the service. It can differ from that of this machine, and be put forward. */
export class ServiceClock {
  #aheadMs: number;
  #advancedMs = 0;

  /** @param aheadMs how far the service is ahead of this machine; negative: behind */
  constructor(aheadMs = 0) {
    this.#aheadMs = aheadMs;
  }

  /** Milliseconds since the epoch. Signatures, stored messages, cursors and retention follow it. */
  get nowMs(): number {
    return Date.now() + this.#aheadMs;
  }

  /** Monotonic milliseconds, which no fake `Date` stops. Rates, and the states of streams, follow it. */
  get elapsedMs(): number {
    return performance.now() + this.#advancedMs;
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
    this.#advancedMs += ms;
  }
}
