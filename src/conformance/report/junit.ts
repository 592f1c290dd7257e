import { promiseTitle } from "../promises.ts";
import { type JudgedCase, type JudgedRun, STALE, problemsOf } from "./judged-run.ts";

const REFERENCES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/**
 * The run as JUnit XML, which build servers show. A case with a problem is a failure, as for the exit code. A case that is unsupported,
 * missing or a known deviation is skipped, with the reason as its message.
 */
export function runAsJUnit(run: JudgedRun): string {
  const cases = [...run.cases.map((judged) => caseElement(judged)), ...run.stale.map((name) => staleElement(name))];
  const failures = problemsOf(run).length;
  const skipped = run.cases.filter((judged) => skippedMessage(judged) !== null).length;
  const seconds = run.cases.reduce((sum, { report }) => sum + report.seconds, 0).toFixed(3);
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="${skipped}" time="${seconds}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${xmlText(`streamport conformance: ${run.provider}`)}" ${counts}>`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function caseElement(judged: JudgedCase): string {
  const { report, problem } = judged;
  const message = skippedMessage(judged);
  const className = xmlText(`${report.provider}.${promiseTitle(report.promise)}`);
  const start = `    <testcase name="${xmlText(report.case)}" classname="${className}" time="${report.seconds.toFixed(3)}"`;
  if (problem !== null) return `${start}>\n      ${failure(problem)}\n    </testcase>`;
  if (message !== null) return `${start}>\n      <skipped message="${xmlText(message)}"/>\n    </testcase>`;
  return `${start}/>`;
}

function staleElement(name: string): string {
  const start = `    <testcase name="${xmlText(name)}" classname="expected results" time="0.000"`;
  return `${start}>\n      ${failure(STALE)}\n    </testcase>`;
}

function failure(message: string): string {
  return `<failure message="${xmlText(message)}"/>`;
}

function skippedMessage({ report, problem, knownDeviation }: JudgedCase): string | null {
  if (problem !== null || report.result === "passed") return null;
  if (report.result === "failed") return `known deviation: ${knownDeviation}`;
  return `${report.result}: ${report.reason}`;
}

/**
 * A text for an attribute or an element of XML. Line breaks and tabs become references. Characters that XML 1.0 cannot hold or
 * discourages (other control characters, lone surrogates, U+FFFE and U+FFFF; section 2.2, "Char") become U+FFFD.
 */
function xmlText(text: string): string {
  return text.toWellFormed().replace(/[&<>"'\p{Cc}\uFFFE\uFFFF]/gu, (character) => REFERENCES[character] ?? "\uFFFD");
}
