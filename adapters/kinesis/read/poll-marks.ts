import { performance } from "node:perf_hooks";
import { clearTimeout, setTimeout } from "node:timers";

interface Mark {
  readonly timer: NodeJS.Timeout;
  readonly waiting: Set<() => void>;
}

/** Of the process, as the timers are that they stand for. */
const marks = new Map<number, Mark>();

/**
 * Calls back at a moment, by `performance.now()`. All that wait for the same one have one timer together: a thousand quiet shards wake the process a few
 * dozen times a second, and not a thousand times.
 * @returns what ends the wait before
 */
export function wakeAt(atMs: number, wake: () => void): () => void {
  const mark = marks.get(atMs) ?? newMark(atMs);
  mark.waiting.add(wake);
  return () => {
    mark.waiting.delete(wake);
    if (mark.waiting.size > 0) return;
    clearTimeout(mark.timer);
    if (marks.get(atMs) === mark) marks.delete(atMs);
  };
}

function newMark(atMs: number): Mark {
  const waiting = new Set<() => void>();
  const timer = setTimeout(
    () => {
      marks.delete(atMs);
      for (const wake of waiting) wake();
    },
    Math.max(0, atMs - performance.now()),
  );
  const mark = { timer, waiting };
  marks.set(atMs, mark);
  return mark;
}
