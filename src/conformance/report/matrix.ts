import { CAPABILITY_NAMES, type Capabilities } from "../../capabilities.ts";
import { promiseTitle } from "../promises.ts";
import type { PromiseCounts, ResultCounts } from "../results.ts";
import { markdownTable } from "./markdown-table.ts";

/** One target in the matrix of results. */
export interface ConformanceColumn {
  readonly target: string;
  readonly counts: ResultCounts;
  readonly promises: readonly PromiseCounts[];
}

/** One provider in the matrix of capabilities. */
export interface CapabilityColumn {
  readonly provider: string;
  readonly capabilities: Capabilities;
}

/** The results of the targets by promise, as a table of Markdown. */
export function conformanceMatrix(columns: readonly ConformanceColumn[]): string {
  const promises = [...new Set(columns.flatMap((column) => column.promises.map(({ promise }) => promise)))].sort((a, b) => a - b);
  return markdownTable(
    ["", ...columns.map(({ target }) => target)],
    [
      ...promises.map((promise) => [
        promiseTitle(promise),
        ...columns.map((column) => countsAsText(column.promises.find((one) => one.promise === promise))),
      ]),
      ["all", ...columns.map(({ counts }) => countsAsText(counts))],
    ],
  );
}

/** The declared capabilities of the providers, as a table of Markdown. */
export function capabilityMatrix(columns: readonly CapabilityColumn[]): string {
  const row = (name: string, cell: (capabilities: Capabilities) => string): readonly string[] => [
    `\`${name}\``,
    ...columns.map(({ capabilities }) => cell(capabilities)),
  ];
  return markdownTable(
    ["", ...columns.map(({ provider }) => provider)],
    [
      ...CAPABILITY_NAMES.map((name) => row(name, (of) => (of[name] ? "yes" : "no"))),
      row("readerEnd", (of) => of.readerEnd),
      row("readerIsolation", (of) => of.readerIsolation),
      row("bookmarkLifetimeMs", (of) => of.bookmarkLifetimeMs?.toLocaleString("en") ?? "as the messages"),
      row("orderingUnit", (of) => of.orderingUnit),
      row("limits.messageBytes", (of) => of.limits.messageBytes.toLocaleString("en")),
      row("limits.keyBytes", (of) => of.limits.keyBytes.toLocaleString("en")),
      row("limits.headerBytes", (of) => of.limits.headerBytes.toLocaleString("en")),
      row("limits.headerCount", (of) => limitAsText(of.limits.headerCount)),
      row("limits.headerNameBytes", (of) => limitAsText(of.limits.headerNameBytes)),
      row("limits.headerValueBytes", (of) => limitAsText(of.limits.headerValueBytes)),
    ],
  );
}

function limitAsText(limit: number | undefined): string {
  return limit === undefined ? "not bounded" : limit.toLocaleString("en");
}

/** `21 passed, 2 unsupported`: only the counts above 0. */
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
