import { promiseTitle } from "../promises.ts";
import { type CaseReport, type ResultCounts, summarize, summarizePromises } from "../results.ts";
import { type JudgedCase, type JudgedRun, problemsOf } from "./judged-run.ts";

/** How parts of the text are coloured on a terminal. */
export interface TextStyle {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
}

export const PLAIN_STYLE: TextStyle = { good: (text) => text, bad: (text) => text, faint: (text) => text };

const WORDS: Readonly<Record<CaseReport["result"], string>> = {
  passed: "passed",
  failed: "FAILED",
  unsupported: "unsupported",
  "environment-missing": "missing",
};

/** One case on one line, for people. If it has a problem, the next line names it. */
export function caseAsText({ report, problem, knownDeviation }: JudgedCase, style: TextStyle = PLAIN_STYLE): string {
  const word = WORDS[report.result].padEnd(11);
  const paint = problem !== null ? style.bad : report.result === "passed" ? style.good : style.faint;
  const seconds = style.faint(`${report.seconds.toFixed(2)} s`);
  const aside =
    knownDeviation !== null ? `known deviation: ${knownDeviation}` : report.result === "unsupported" ? report.capability : report.reason;
  const line = `${paint(word)} ${report.case} ${seconds}`;
  if (problem !== null) return `${line}\n${indented(problem)}`;
  return aside === null ? line : `${line} ${style.faint(`(${aside})`)}`;
}

/** The end of a run: the counts by promise, all problems once more, and the verdict. */
export function runAsText(run: JudgedRun, style: TextStyle = PLAIN_STYLE): string {
  const reports = run.cases.map(({ report }) => report);
  const wrong = problemsOf(run).map(({ name, problem }) => `${name}\n${indented(problem)}`);
  const rows = summarizePromises(reports).map((counts) => countsRow(promiseTitle(counts.promise), counts));
  return [
    [HEAD, ...rows, countsRow("all", summarize(run.provider, reports))].join("\n"),
    ...wrong.map((text) => style.bad(text)),
    run.holds ? style.good(verdict(run, wrong.length)) : style.bad(verdict(run, wrong.length)),
  ].join("\n\n");
}

const NAME_WIDTH = Math.max(...Array.from({ length: 12 }, (_, index) => promiseTitle(index + 1).length));
const HEAD = ["promise".padEnd(NAME_WIDTH), "passed", "failed", "unsupported", "missing"].join("  ");

function countsRow(name: string, { passed, failed, unsupported, missing }: ResultCounts): string {
  const cells = [String(passed).padStart(6), String(failed).padStart(6), String(unsupported).padStart(11), String(missing).padStart(7)];
  return [name.padEnd(NAME_WIDTH), ...cells].join("  ");
}

function verdict({ provider, cases }: JudgedRun, wrong: number): string {
  return `${provider}: ${cases.length} ${cases.length === 1 ? "case" : "cases"}, ${wrong === 0 ? "nothing" : wrong} wrong`;
}

function indented(text: string): string {
  return text.replace(/^/gm, "    ");
}
