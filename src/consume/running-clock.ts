import { performance } from "node:perf_hooks";
import { clearInterval, setInterval } from "node:timers";

const CPU_MICROSECONDS_PER_MS = 1_000;
const SHORTEST_TICK_MS = 5;
const LONGEST_TICK_MS = 500;

/** The clocks that are read. Tests use their own. */
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
 * Milliseconds in which this process has run. While a process is stopped (SIGSTOP, a paused virtual machine), the clock of the
 * system goes on, but the process computes nothing. A long gap between two readings of the clock therefore counts only as far as the
 * process has computed in it: almost all of it where something blocked the event loop, almost nothing where the process was stopped.
 * A process that only waits computes nothing either, so `watch` reads the clock often enough to leave no long gap.
 */
export class RunningClock {
  readonly #tickMs: number;
  readonly #source: TimeSource;
  #ranMs = 0;
  #wallMs: number;
  #cpuMs: number;
  #cpuReadAtMs: number;
  #ticker: NodeJS.Timeout | null = null;

  /** @param shortestMs the shortest time that is measured */
  constructor(shortestMs: number, source: TimeSource = SYSTEM) {
    this.#tickMs = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, shortestMs / 8));
    this.#source = source;
    this.#wallMs = source.wallMs();
    this.#cpuMs = source.cpuMs();
    this.#cpuReadAtMs = this.#wallMs;
  }

  now(): number {
    const wallMs = this.#source.wallMs();
    const gapMs = wallMs - this.#wallMs;
    // To read the computing time costs more than the rest, so it is read now and then. A long gap may count some time before it too.
    if (gapMs > 2 * this.#tickMs) this.#ranMs += this.#computed(gapMs);
    else {
      this.#ranMs += gapMs;
      if (wallMs - this.#cpuReadAtMs > this.#tickMs) this.#readCpu(wallMs);
    }
    this.#wallMs = wallMs;
    return this.#ranMs;
  }

  /** Reads the clock often, as long as `isWaiting` answers yes. */
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
    this.#readCpu(this.#source.wallMs());
    return Math.min(gapMs, Math.max(this.#tickMs / 2, this.#cpuMs - before));
  }

  #readCpu(wallMs: number): void {
    this.#cpuMs = this.#source.cpuMs();
    this.#cpuReadAtMs = wallMs;
  }
}
