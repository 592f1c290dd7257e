import type { Capability } from "../capabilities.ts";
import type { CaseResult } from "./case.ts";

/** One line of the machine-readable report. */
export interface CaseReport extends CaseResult {
  readonly case: string;
  readonly promise: number;
  readonly provider: string;
  readonly capability: Capability | null;
}

/** The number of cases by result. */
export interface ResultCounts {
  readonly passed: number;
  readonly failed: number;
  readonly unsupported: number;
  readonly missing: number;
}

export interface ResultSummary extends ResultCounts {
  readonly provider: string;
}

/** The results of the cases of one promise. */
export interface PromiseCounts extends ResultCounts {
  readonly promise: number;
}

export function summarize(provider: string, reports: readonly CaseReport[]): ResultSummary {
  return { provider, ...countResults(reports) };
}

/** @returns the promises that have a case among the reports, in ascending order */
export function summarizePromises(reports: readonly CaseReport[]): readonly PromiseCounts[] {
  const promises = [...new Set(reports.map(({ promise }) => promise))].sort((a, b) => a - b);
  return promises.map((promise) => ({ promise, ...countResults(reports.filter((report) => report.promise === promise)) }));
}

function countResults(reports: readonly CaseReport[]): ResultCounts {
  const count = (result: CaseResult["result"]): number => reports.filter((report) => report.result === result).length;
  return { passed: count("passed"), failed: count("failed"), unsupported: count("unsupported"), missing: count("environment-missing") };
}
