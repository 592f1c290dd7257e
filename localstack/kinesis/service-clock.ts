/** The clock of the emulated service: the machine's, and how much it is ahead of that. */
export class ServiceClock {
  /** May be negative: the service's clock is behind the clients'. */
  skewMs: number;
  #lastStampMs = 0;

  constructor(skewMs = 0) {
    this.skewMs = skewMs;
  }

  /** Milliseconds since the epoch. */
  nowMs(): number {
    return Date.now() + this.skewMs;
  }

  /** The time of a change of streams and shards: later than that of every change before, also where the clock stands still. */
  stampMs(): number {
    this.#lastStampMs = Math.max(this.nowMs(), this.#lastStampMs + 1);
    return this.#lastStampMs;
  }
}
