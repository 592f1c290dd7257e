import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";

/** The time of one machine. Injected, so that tests can stop it. */
export interface Clock {
  /** Monotonic, in milliseconds. It may stand still while the machine is suspended. */
  nowMs(): number;
  /** Milliseconds since the epoch. It may jump. */
  wallMs(): number;
  /** Resolves after so many milliseconds. Rejects as soon as the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  sleep,
};

/** As that of node:timers/promises, which makes an error with a stack for each sleep that is ended early: almost all are, once a call has its answer. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, ms);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

/** A moment, by both clocks of a machine. */
export interface Moment {
  readonly nowMs: number;
  readonly wallMs: number;
}

export function momentOf(clock: Clock): Moment {
  return { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
}

/** The time since a moment by whichever clock has advanced more: the monotonic one stands still while a machine is suspended. */
export function elapsedMs(since: Moment, clock: Clock): number {
  return Math.max(clock.nowMs() - since.nowMs, clock.wallMs() - since.wallMs);
}
