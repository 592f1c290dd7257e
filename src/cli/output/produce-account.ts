import type { FailedLine } from "../input/line-sender.ts";
import { counted } from "./counted.ts";
import { lineRanges } from "./line-ranges.ts";

interface Account {
  readonly storedCount: number;
  /** In the order of the input. */
  readonly failed: readonly FailedLine[];
  /** The last line that was read and sent; nothing behind it was. */
  readonly throughLine: number;
  /** Was the input read to its end, and all of it stored? */
  readonly isWhole: boolean;
  readonly seconds: number;
}

/** What became of the input, so that whoever sent it knows where to go on. */
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
