import { CAPABILITY_NAMES, type Capabilities } from "../../capabilities.ts";
import { promiseTitle } from "../promises.ts";
import type { PromiseCounts, ResultCounts } from "../results.ts";
import { markdownTable } from "./markdown-table.ts";

/** One provider in the matrix. */
export interface MatrixColumn {
  readonly provider: string;
  readonly capabilities: Capabilities;
  readonly counts: ResultCounts;
  readonly promises: readonly PromiseCounts[];
}

/** What providers have shown, promise by promise, and what they declare: the matrix of the README, in Markdown. */
export function conformanceMatrix(columns: readonly MatrixColumn[]): string {
  const row = (name: string, cell: (column: MatrixColumn) => string): readonly string[] => [name, ...columns.map(cell)];
  const declared = (name: string, cell: (capabilities: Capabilities) => string): readonly string[] =>
    row(`\`${name}\``, ({ capabilities }) => cell(capabilities));
  const promises = [...new Set(columns.flatMap((column) => column.promises.map(({ promise }) => promise)))].sort((a, b) => a - b);
  return markdownTable(
    ["", ...columns.map(({ provider }) => provider)],
    [
      row("conformance cases", ({ counts }) => countsAsText(counts)),
      ...promises.map((promise) =>
        row(promiseTitle(promise), (column) => countsAsText(column.promises.find((one) => one.promise === promise))),
      ),
      ...CAPABILITY_NAMES.map((name) => declared(name, (of) => (of[name] ? "yes" : "no"))),
      declared("readerEnd", (of) => of.readerEnd),
      declared("readerIsolation", (of) => of.readerIsolation),
      declared("orderingUnit", (of) => of.orderingUnit),
      declared("limits.messageBytes", (of) => of.limits.messageBytes.toLocaleString("en")),
      declared("limits.keyBytes", (of) => of.limits.keyBytes.toLocaleString("en")),
      declared("limits.headerBytes", (of) => of.limits.headerBytes.toLocaleString("en")),
    ],
  );
}

/** `21 passed, 2 unsupported`: what there is. */
function countsAsText(counts: ResultCounts | undefined): string {
  if (counts === undefined) return "";
  const { passed, failed, unsupported, missing } = counts;
  const parts = [
    [failed, "failed"],
    [unsupported, "unsupported"],
    [missing, "not tried"],
  ] as const;
  return [`${passed} passed`, ...parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)].join(", ");
}
