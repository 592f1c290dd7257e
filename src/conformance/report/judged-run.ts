import { type ExpectedResults, differenceFromExpected, staleEntries } from "../expected-results.ts";
import type { CaseReport } from "../results.ts";

/** A run of the suite, held against what is expected of its target: what every report is made from. */
export interface JudgedRun {
  readonly provider: string;
  readonly cases: readonly JudgedCase[];
  /** Names in the lists of what is expected that no case has. */
  readonly stale: readonly string[];
  /** Nothing is wrong: every case did what it should, and nothing expected is stale. */
  readonly holds: boolean;
}

export interface JudgedCase {
  readonly report: CaseReport;
  /** What is wrong with this result; null where it is as it should be. */
  readonly problem: string | null;
  /** Why it fails, where that is known and expected. */
  readonly knownDeviation: string | null;
}

/**
 * @param expected null: nothing is known of the target, and what is wrong is what failed
 * @param cases the whole suite, of which perhaps a part has run
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

/** Everything that is wrong with a run: what each problem is about, and why. Empty where it holds. */
export function problemsOf({ cases, stale }: JudgedRun): readonly { readonly name: string; readonly problem: string }[] {
  return [
    ...cases.flatMap(({ report, problem }) => (problem === null ? [] : [{ name: report.case, problem }])),
    ...stale.map((name) => ({ name, problem: STALE })),
  ];
}

export const STALE = "listed in what is expected, but no case has this name";

export function judgeCase(report: CaseReport, expected: ExpectedResults | null): JudgedCase {
  const problem =
    expected === null ? (report.result === "failed" ? (report.reason ?? "failed") : null) : differenceFromExpected(report, expected);
  const deviates = expected !== null && report.result === "failed" && Object.hasOwn(expected.deviations, report.case);
  return { report, problem, knownDeviation: deviates ? (expected.deviations[report.case] ?? null) : null };
}
