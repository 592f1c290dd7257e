import { StreamError } from "../../errors.ts";
import type { CaseReport, ResultSummary } from "../results.ts";

/** One line for each case, and one for the summary, without the line break. The format is fixed, because other programs parse it. */
export function caseAsJson(report: CaseReport): string {
  const { case: name, promise, provider, result, reason, capability, seconds } = report;
  return JSON.stringify({ case: name, promise, provider, result, reason, capability, seconds });
}

export function summaryAsJson({ provider, passed, failed, unsupported, missing }: ResultSummary): string {
  return JSON.stringify({ summary: { provider, passed, failed, unsupported, missing } });
}

/** A run that was read from its lines. */
export interface RecordedRun {
  readonly summary: ResultSummary;
  readonly reports: readonly CaseReport[];
}

const RESULTS: readonly unknown[] = ["passed", "failed", "unsupported", "environment-missing"] satisfies CaseReport["result"][];

/**
 * Reads back what `caseAsJson` and `summaryAsJson` wrote.
 * @param source the name of the file, for error messages
 * @throws `invalid-argument` for a line of another form, a case that occurs twice, and a run without a summary
 */
export function parseJsonLines(text: string, source: string): RecordedRun {
  const refuse = (line: number, what: string, cause?: unknown): never => {
    throw new StreamError("invalid-argument", `${source}, line ${line}: ${what}`, { cause });
  };
  const reports = new Map<string, CaseReport>();
  let summary: ResultSummary | null = null;
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const [index, line] of lines.entries()) {
    const number = index + 1;
    if (summary !== null) refuse(number, "nothing may follow the summary");
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      refuse(number, "this is not JSON; a run that was written by conformance --json is needed", cause);
    }
    if (isSummary(value)) summary = value.summary;
    else if (!isReport(value)) refuse(number, "this is neither the result of a case nor a summary");
    else if (reports.has(value.case)) refuse(number, `the case ${JSON.stringify(value.case)} is there twice`);
    else reports.set(value.case, value);
  }
  return {
    summary: summary ?? refuse(lines.length + 1, "the summary is missing: this run was cut off"),
    reports: [...reports.values()],
  };
}

function isReport(value: unknown): value is CaseReport {
  if (!isObject(value)) return false;
  const isTextOrNull = (item: unknown): boolean => item === null || typeof item === "string";
  return (
    typeof value["case"] === "string" &&
    typeof value["promise"] === "number" &&
    typeof value["provider"] === "string" &&
    RESULTS.includes(value["result"]) &&
    isTextOrNull(value["reason"]) &&
    isTextOrNull(value["capability"]) &&
    typeof value["seconds"] === "number"
  );
}

function isSummary(value: unknown): value is { readonly summary: ResultSummary } {
  if (!isObject(value) || !isObject(value["summary"])) return false;
  const { provider, ...counts } = value["summary"];
  return typeof provider === "string" && ["passed", "failed", "unsupported", "missing"].every((name) => typeof counts[name] === "number");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
