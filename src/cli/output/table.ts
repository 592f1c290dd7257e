import { stripVTControlCharacters } from "node:util";

interface TableOptions {
  /** Cells that begin with a digit stand to the right. @default true */
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
