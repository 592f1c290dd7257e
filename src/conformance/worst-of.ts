import type { CaseResult } from "./case.ts";
import type { CaseReport } from "./results.ts";

const SEVERITY: Readonly<Record<CaseResult["result"], number>> = { passed: 0, unsupported: 1, "environment-missing": 2, failed: 3 };

/**
 * Several runs of one case as one report: the worst result, in how many of the runs it came, the first reason of it, and
 * the longest time. Where all runs agree on something other than a failure, it is reported as a single run is.
 */
export function worstOf(runs: readonly [CaseReport, ...CaseReport[]]): CaseReport {
  const worst = runs.reduce((soFar, run) => (SEVERITY[run.result] > SEVERITY[soFar.result] ? run : soFar));
  const count = runs.filter(({ result }) => result === worst.result).length;
  const seconds = Math.max(...runs.map((run) => run.seconds));
  if (runs.length === 1 || (count === runs.length && worst.result !== "failed")) return { ...worst, seconds };
  return { ...worst, reason: `in ${count} of ${runs.length} runs: ${worst.reason}`, seconds };
}
