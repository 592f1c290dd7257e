import type { Capability } from "../capabilities.ts";
import type { CaseResult } from "./case.ts";

/** One line of the machine-readable report. */
export interface CaseReport extends CaseResult {
  readonly case: string;
  readonly promise: number;
  readonly provider: string;
  readonly capability: Capability | null;
}

export interface ResultSummary {
  readonly provider: string;
  readonly passed: number;
  readonly failed: number;
  readonly unsupported: number;
  readonly missing: number;
}

export function summarize(provider: string, reports: readonly CaseReport[]): ResultSummary {
  const count = (result: CaseResult["result"]): number => reports.filter((report) => report.result === result).length;
  return {
    provider,
    passed: count("passed"),
    failed: count("failed"),
    unsupported: count("unsupported"),
    missing: count("environment-missing"),
  };
}

/** What a run of a target is known to show besides passes; checked in beside the tests of that target. */
export interface ExpectedResults {
  /** Case name → the capability that is off. */
  readonly unsupported: Readonly<Record<string, string>>;
  /** Case name → what the environment lacks: the reason in the result. */
  readonly missing: Readonly<Record<string, string>>;
  /** Case name → why this server or emulator deviates. Such a case must fail: one that passes is a stale entry. */
  readonly deviations: Readonly<Record<string, string>>;
}

/**
 * Where a run and what is expected of it differ, one sentence each; empty when the target passes completely. Only cases
 * that ran are compared, so that a selection can be judged too.
 */
export function compareWithExpected(reports: readonly CaseReport[], expected: ExpectedResults): readonly string[] {
  return reports.flatMap((report) => {
    const wanted = expectedOf(report.case, expected);
    const got = describe(report.result, report.result === "unsupported" ? report.capability : report.reason);
    if (wanted === "failed") return report.result === "failed" ? [] : [`${report.case}: listed as a known deviation, but ${got}`];
    return wanted === got ? [] : [`${report.case}: expected ${wanted}, but ${got}`];
  });
}

/** Names in the lists that no case has: they once meant something, and now hide that they do not. */
export function staleEntries(cases: readonly { readonly name: string }[], expected: ExpectedResults): readonly string[] {
  const names = new Set(cases.map(({ name }) => name));
  const listed = [expected.unsupported, expected.missing, expected.deviations].flatMap((list) => Object.keys(list));
  return listed.filter((name) => !names.has(name));
}

function expectedOf(name: string, expected: ExpectedResults): string {
  if (name in expected.deviations) return "failed";
  if (name in expected.unsupported) return describe("unsupported", expected.unsupported[name] ?? null);
  if (name in expected.missing) return describe("environment-missing", expected.missing[name] ?? null);
  return describe("passed", null);
}

function describe(result: CaseResult["result"], detail: string | null): string {
  return detail === null ? result : `${result} (${detail})`;
}
