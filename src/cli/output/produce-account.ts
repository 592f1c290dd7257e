import type { FailedLine } from "../input/line-sender.ts";
import { counted } from "./duration-text.ts";

const MOST_RANGES = 10;

interface Account {
  readonly storedCount: number;
  /** In the order of the input. */
  readonly failed: readonly FailedLine[];
  /** The last line that was sent. */
  readonly throughLine: number;
  /** Whether the input was read to its end and all of it was stored. */
  readonly isWhole: boolean;
  readonly seconds: number;
}

/** A summary of what was stored, so that the user knows where to continue. */
export function produceAccount({ storedCount, failed, throughLine, isWhole, seconds }: Account): string {
  const stored = `${counted(storedCount, "message")} stored`;
  if (isWhole) return `${stored} in ${seconds.toFixed(1)} s`;
  const unknown = failed.filter(({ error }) => error.code === "outcome-unknown");
  const notStored = failed.filter(({ error }) => error.code !== "outcome-unknown");
  const parts = [stored];
  if (notStored.length > 0) parts.push(`not stored: ${named(notStored)}`);
  if (unknown.length > 0) parts.push(`stored or not: ${named(unknown)}`);
  parts.push(`nothing from line ${(throughLine + 1).toLocaleString("en")} on was sent`);
  return parts.join("; ");
}

function named(lines: readonly FailedLine[]): string {
  return `${lines.length === 1 ? "line" : "lines"} ${lineRanges(lines.map(({ line }) => line))}`;
}

/** `4, 7 to 9 and 12` of line numbers in ascending order; after the tenth range only how many more there are. */
export function lineRanges(lines: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const line of lines) {
    const open = ranges.at(-1);
    if (open !== undefined && line === open.last + 1) open.last = line;
    else ranges.push({ first: line, last: line });
  }
  const shown = ranges.slice(0, MOST_RANGES);
  const rest = ranges.slice(MOST_RANGES).reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const parts = shown.map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`));
  if (rest > 0) parts.push(`${rest.toLocaleString("en")} more`);
  const end = parts.pop() ?? "";
  return parts.length === 0 ? end : `${parts.join(", ")} and ${end}`;
}
