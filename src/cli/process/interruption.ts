import { isStreamError } from "../../errors.ts";
import { InterruptedError } from "./exit-errors.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** One Ctrl-C can arrive twice: from the terminal, and once more from npm, which forwards it. */
const SAME_SIGNAL_MS = 300;

/**
 * Runs work that finishes its current step when it is interrupted: at the first Ctrl-C (or SIGTERM) the signal aborts, with an
 * `InterruptedError` as its reason; the second ends the process at once.
 * @throws the reason, if the work fails with it or with `closed` after the interruption
 */
export async function interruptible<Result>(work: (interrupted: AbortSignal) => Promise<Result>): Promise<Result> {
  const interruption = new AbortController();
  let interruptedAtMs = 0;
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    const reason = new InterruptedError(signal);
    if (!interruption.signal.aborted) {
      interruptedAtMs = performance.now();
      interruption.abort(reason);
    } else if (performance.now() - interruptedAtMs > SAME_SIGNAL_MS) process.exit(reason.exitCode);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    return await work(interruption.signal);
  } catch (error) {
    if (isStreamError(error, "closed")) interruption.signal.throwIfAborted();
    throw error;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

/** Calls `act` once the signal aborts, or at once if it has aborted. */
export function whenAborted(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true });
}
