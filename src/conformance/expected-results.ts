import { StreamError } from "../errors.ts";
import type { CaseReport } from "./results.ts";

/** The results other than `passed` that a target is known to have. The list is checked in with the tests of that target. */
export interface ExpectedResults {
  /** Case name → the capability that is off. */
  readonly unsupported: Readonly<Record<string, string>>;
  /** Case name → what the environment lacks, as in the reason of the result. */
  readonly missing: Readonly<Record<string, string>>;
  /** Case name → why this server or emulator deviates. Such a case must fail: if it passes, the entry is stale. */
  readonly deviations: Readonly<Record<string, string>>;
}

const LISTS = ["unsupported", "missing", "deviations"] as const satisfies readonly (keyof ExpectedResults)[];

/**
 * Parses the JSON form: three objects of strings, each of which may be left out. A case may be in only one of them.
 * @throws `invalid-argument`, which names what is wrong
 */
export function parseExpectedResults(text: string): ExpectedResults {
  const lists = parseObject(text);
  const unknown = Object.keys(lists).find((name) => !(LISTS as readonly string[]).includes(name));
  if (unknown !== undefined) refuse(`there is no list ${JSON.stringify(unknown)}; allowed are ${LISTS.join(", ")}`);
  const list = (name: (typeof LISTS)[number]): Readonly<Record<string, string>> => {
    const entries = lists[name] ?? {};
    if (!isObject(entries)) refuse(`${name} must be an object`);
    const wrong = Object.entries(entries).find(([, value]) => typeof value !== "string" || value === "");
    if (wrong !== undefined) refuse(`${name}: the entry of ${JSON.stringify(wrong[0])} must be a non-empty text`);
    return entries as Readonly<Record<string, string>>;
  };
  const expected: ExpectedResults = { unsupported: list("unsupported"), missing: list("missing"), deviations: list("deviations") };
  const names = namesIn(expected);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) refuse(`${JSON.stringify(twice)} stands in more than one list`);
  return expected;
}

/**
 * The differences between a run and its expected results, one sentence each; empty when the target passes completely. Only cases
 * that ran are compared, so that a selection can be checked too.
 */
export function compareWithExpected(reports: readonly CaseReport[], expected: ExpectedResults): readonly string[] {
  return reports.flatMap((report) => {
    const difference = differenceFromExpected(report, expected);
    return difference === null ? [] : [`${report.case}: ${difference}`];
  });
}

/** The difference between this result and the expected one; null when they are equal. */
export function differenceFromExpected(report: CaseReport, expected: ExpectedResults): string | null {
  const got = describe(report.result, report.result === "unsupported" ? report.capability : report.reason);
  if (Object.hasOwn(expected.deviations, report.case)) {
    return report.result === "failed" ? null : `listed as a known deviation, but ${got}`;
  }
  const wanted = expectedOf(report.case, expected);
  return wanted === got ? null : `expected ${wanted}, but ${got}`;
}

/** Names in the lists that no case has any more. They must be removed, or a misspelt entry would not be noticed. */
export function staleEntries(cases: readonly { readonly name: string }[], expected: ExpectedResults): readonly string[] {
  const names = new Set(cases.map(({ name }) => name));
  return namesIn(expected).filter((name) => !names.has(name));
}

function namesIn(expected: ExpectedResults): readonly string[] {
  return LISTS.flatMap((list) => Object.keys(expected[list]));
}

function expectedOf(name: string, expected: ExpectedResults): string {
  if (Object.hasOwn(expected.unsupported, name)) return describe("unsupported", expected.unsupported[name] ?? null);
  if (Object.hasOwn(expected.missing, name)) return describe("environment-missing", expected.missing[name] ?? null);
  return describe("passed", null);
}

function describe(result: CaseReport["result"], detail: string | null): string {
  return detail === null ? result : `${result} (${detail})`;
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    refuse("this is not JSON", { cause });
  }
  if (!isObject(value)) refuse("an object is needed");
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(text: string, details: { readonly cause?: unknown } = {}): never {
  throw new StreamError("invalid-argument", `expected results: ${text}`, details);
}
