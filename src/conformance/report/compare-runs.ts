import type { CaseReport } from "../results.ts";

/** A case that two runs tell differently; null where a run does not have it. */
export interface RunDifference {
  readonly case: string;
  readonly before: CaseReport | null;
  readonly after: CaseReport | null;
}

/**
 * Case by case: what is new or gone, and where the result, the capability that is off or what is missing is another. Times,
 * and the words of a failure, which show names and figures of that run, are no difference.
 * @returns in the order of the first run, then the cases that only the second has
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
