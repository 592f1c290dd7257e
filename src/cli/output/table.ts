import { stripVTControlCharacters } from "node:util";
import type { Lag, LagFigures } from "../../lag.ts";
import { durationText } from "./duration-text.ts";

const UNKNOWN = "-";

interface TableOptions {
  /** Whether cells that begin with a digit are aligned to the right. @default true */
  readonly numbersRight?: boolean;
}

/** Lines with their cells in columns, whatever their colour. Ends with a line break. */
export function table(rows: readonly (readonly string[])[], { numbersRight = true }: TableOptions = {}): string {
  const widths: number[] = [];
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
  const padded = (cell: string, column: number): string => {
    const padding = " ".repeat(widths[column]! - widthOf(cell));
    return numbersRight && /^\d/.test(cell) ? padding + cell : cell + padding;
  };
  return rows.map((row) => `${row.map(padded).join("  ").trimEnd()}\n`).join("");
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

/** The lag of each group, by partition and in all. `-` is a value that the provider does not know. */
export function lagTable(groups: readonly { readonly group: string; readonly lag: Lag }[]): string {
  const rows = groups.flatMap(({ group, lag }) => [
    ...lag.partitions.map(({ partition, ...figures }) => [group, partition, ...cells(figures)]),
    [group, "all", ...cells(lag)],
  ]);
  return table([["group", "partition", "messages", "age"], ...rows]);
}

function cells({ messages, timeMs }: LagFigures): readonly string[] {
  return [messages === null ? UNKNOWN : messages.toLocaleString("en"), timeMs === null ? UNKNOWN : durationText(timeMs)];
}
