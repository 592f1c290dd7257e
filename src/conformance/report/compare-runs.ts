import type { CaseReport } from "../results.ts";

/** A case whose results differ between two runs; null where a run does not have it. */
export interface RunDifference {
  readonly case: string;
  readonly before: CaseReport | null;
  readonly after: CaseReport | null;
}

/**
 * Compares two runs case by case: cases that are new or gone, and cases with another result, capability or missing part. Times and
 * the texts of failures are not compared, because they differ from run to run.
 * @returns the differences in the order of the first run, then the cases that only the second run has
 */
export function compareRuns(before: readonly CaseReport[], after: readonly CaseReport[]): readonly RunDifference[] {
  const then = new Map(before.map((report) => [report.case, report]));
  const now = new Map(after.map((report) => [report.case, report]));
  return [...new Set([...then.keys(), ...now.keys()])]
    .map((name) => ({ case: name, before: then.get(name) ?? null, after: now.get(name) ?? null }))
    .filter((difference) => outcomeOf(difference.before) !== outcomeOf(difference.after));
}

/** `ordering/publish/throttled: environment-missing (fault throttle) → passed` */
export function differenceAsText({ case: name, before, after }: RunDifference): string {
  return `${name}: ${describe(before)} → ${describe(after)}`;
}

function outcomeOf(report: CaseReport | null): string {
  if (report === null) return "";
  const { result, capability, reason } = report;
  return JSON.stringify([result, capability, result === "environment-missing" ? reason : null]);
}

function describe(report: CaseReport | null): string {
  if (report === null) return "not there";
  const detail = report.result === "unsupported" ? report.capability : report.reason;
  return detail === null ? report.result : `${report.result} (${detail})`;
}
