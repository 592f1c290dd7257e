import type { Capabilities } from "../../capabilities.ts";
import { summarize, summarizePromises } from "../results.ts";
import { type JudgedRun, problemsOf } from "./judged-run.ts";
import { markdownTable } from "./markdown-table.ts";
import { capabilityMatrix, conformanceMatrix } from "./matrix.ts";

/** The run as a page of Markdown: the matrix, the problems, the cases that did not pass with their reasons, and the declared capabilities. */
export function runAsMarkdown(run: JudgedRun, capabilities: Capabilities): string {
  const reports = run.cases.map(({ report }) => report);
  const shown = { target: run.provider, counts: summarize(run.provider, reports), promises: summarizePromises(reports) };
  const wrong = problemsOf(run).map(({ name, problem }) => [name, problem]);
  const others = run.cases.filter(({ report, problem }) => problem === null && report.result !== "passed");
  return [
    `# Conformance of ${asText(run.provider)}\n\n`,
    conformanceMatrix([shown]),
    ...section("What is wrong", ["case", "why"], wrong),
    ...section(
      "What is not supported, not tried, or a known deviation",
      ["case", "result", "why"],
      others.map(({ report, knownDeviation }) => [
        report.case,
        knownDeviation === null ? report.result : "known deviation",
        knownDeviation ?? report.reason ?? "",
      ]),
    ),
    "\n## What it declares\n\n",
    capabilityMatrix([{ provider: run.provider, capabilities }]),
  ].join("");
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  return [
    `\n## ${title}\n\n`,
    markdownTable(
      head,
      rows.map(([name = "", ...cells]) => [`\`${name}\``, ...cells.map(asText)]),
    ),
  ];
}

/** Reasons quote messages of servers, which must not become Markdown. */
function asText(text: string): string {
  return text.replace(/[\\`*_[\]<>#|~]/g, (character) => `\\${character}`);
}
