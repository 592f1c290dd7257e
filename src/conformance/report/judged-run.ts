import { type ExpectedResults, differenceFromExpected, staleEntries } from "../expected-results.ts";
import type { CaseReport } from "../results.ts";

/** A run of the suite, compared with the expected results of its target. Every report is made from it. */
export interface JudgedRun {
  readonly provider: string;
  readonly cases: readonly JudgedCase[];
  /** Names in the expected results that no case has. */
  readonly stale: readonly string[];
  /** Nothing is wrong: every case has its expected result, and no expected result is stale. */
  readonly holds: boolean;
}

export interface JudgedCase {
  readonly report: CaseReport;
  /** What is wrong with this result; null for the expected result. */
  readonly problem: string | null;
  /** Why the case fails, if the failure is expected. */
  readonly knownDeviation: string | null;
}

/**
 * @param expected null: there is no list for the target, and every failed case is wrong
 * @param cases the whole suite, of which perhaps only a part has run
 */
export function judgeRun(
  provider: string,
  reports: readonly CaseReport[],
  expected: ExpectedResults | null,
  cases: readonly { readonly name: string }[],
): JudgedRun {
  const judged = reports.map((report) => judgeCase(report, expected));
  const stale = expected === null ? [] : staleEntries(cases, expected);
  const holds = stale.length === 0 && judged.every(({ problem }) => problem === null);
  return { provider, cases: judged, stale, holds };
}

/** All problems of a run, each with the name of its case. Empty if nothing is wrong. */
export function problemsOf({ cases, stale }: JudgedRun): readonly { readonly name: string; readonly problem: string }[] {
  return [
    ...cases.flatMap(({ report, problem }) => (problem === null ? [] : [{ name: report.case, problem }])),
    ...stale.map((name) => ({ name, problem: STALE })),
  ];
}

export const STALE = "listed in the expected results, but no case has this name";

export function judgeCase(report: CaseReport, expected: ExpectedResults | null): JudgedCase {
  const problem =
    expected === null ? (report.result === "failed" ? (report.reason ?? "failed") : null) : differenceFromExpected(report, expected);
  const deviates = expected !== null && report.result === "failed" && Object.hasOwn(expected.deviations, report.case);
  return { report, problem, knownDeviation: deviates ? (expected.deviations[report.case] ?? null) : null };
}
