import { compareRuns, differenceAsText, parseJsonLines } from "../../conformance/index.ts";
import { counted } from "../output/counted.ts";
import { StandardOutput } from "../output/standard-output.ts";
import { UsageError } from "../process/usage-error.ts";
import { readInputFile } from "./files.ts";

/** Prints how two runs that were written with `--json` differ. @returns whether they do not */
export async function compareFiles(files: readonly string[], json: boolean): Promise<boolean> {
  const [first, second] = files;
  if (first === undefined || second === undefined || files.length > 2) {
    throw new UsageError(`--compare takes two files, as written by --json; received ${files.length}`);
  }
  const [before, after] = await Promise.all([first, second].map((file) => readInputFile(file, (text) => parseJsonLines(text, file))));
  const differences = compareRuns(before!.reports, after!.reports);
  const lines = differences.map((difference) => (json ? JSON.stringify(difference) : differenceAsText(difference)));
  if (!json) {
    const runs = [before!, after!].map(({ summary, reports }) => `${summary.provider} (${reports.length} cases)`).join(" and ");
    lines.push(`${runs}: ${differences.length === 0 ? "no difference" : counted(differences.length, "difference")}`);
  }
  await new StandardOutput().write(lines.map((line) => `${line}\n`).join(""));
  return differences.length === 0;
}
