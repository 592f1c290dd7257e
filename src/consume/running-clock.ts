import { performance } from "node:perf_hooks";
import { clearInterval, setInterval } from "node:timers";

const CPU_MICROSECONDS_PER_MS = 1_000;
const SHORTEST_TICK_MS = 5;
const LONGEST_TICK_MS = 500;

/** Where the time comes from; tests bring their own. */
export interface TimeSource {
  /** Milliseconds on a clock that is never set back. */
  wallMs(): number;
  /** Milliseconds of computing of this process. */
  cpuMs(): number;
}

const SYSTEM: TimeSource = {
  wallMs: () => performance.now(),
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / CPU_MICROSECONDS_PER_MS;
  },
};

/**
 * Milliseconds in which this process has run. A process that is stopped (SIGSTOP, a paused virtual machine) finds the clock of the
 * system far ahead when it goes on, but has not computed meanwhile. A gap between two looks at the clock therefore counts
 * as far as the process has computed in it: all of it where something blocked the event loop, next to nothing where it was
 * stopped. While `watch` holds, a timer looks often enough for waiting not to pass for that.
 */
export class RunningClock {
  readonly #tickMs: number;
  readonly #source: TimeSource;
  #ranMs = 0;
  #wallMs: number;
  #cpuMs: number;
  #askedAtMs: number;
  #ticker: NodeJS.Timeout | null = null;

  /** @param patienceMs the shortest time that is measured */
  constructor(patienceMs: number, source: TimeSource = SYSTEM) {
    this.#tickMs = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, patienceMs / 8));
    this.#source = source;
    this.#wallMs = source.wallMs();
    this.#cpuMs = source.cpuMs();
    this.#askedAtMs = this.#wallMs;
  }

  now(): number {
    const wallMs = this.#source.wallMs();
    const gapMs = wallMs - this.#wallMs;
    // To ask what was computed costs more than the rest, so it is done now and then; what is asked seldom is counted generously.
    if (gapMs > 2 * this.#tickMs) this.#ranMs += this.#computed(gapMs);
    else {
      this.#ranMs += gapMs;
      if (wallMs - this.#askedAtMs > this.#tickMs) this.#ask(wallMs);
    }
    this.#wallMs = wallMs;
    return this.#ranMs;
  }

  /** Something is waited for, until `isWaiting` says no. */
  watch(isWaiting: () => boolean): void {
    if (this.#ticker !== null) return;
    this.now();
    this.#ticker = setInterval(() => {
      this.now();
      if (!isWaiting()) this.stop();
    }, this.#tickMs).unref();
  }

  stop(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
  }

  #computed(gapMs: number): number {
    const before = this.#cpuMs;
    this.#ask(this.#source.wallMs());
    return Math.min(gapMs, Math.max(this.#tickMs / 2, this.#cpuMs - before));
  }

  #ask(wallMs: number): void {
    this.#cpuMs = this.#source.cpuMs();
    this.#askedAtMs = wallMs;
  }
}
