import { readFile } from "node:fs/promises";
import type { ExpectedResults } from "../../src/conformance/index.ts";

/** What is checked in for this target. */
export async function expectedResults(target: string): Promise<ExpectedResults> {
  const text = await readFile(new URL(`./expected/${target}.json`, import.meta.url), "utf8");
  return JSON.parse(text) as ExpectedResults;
}

/** The list is of what any server shows; of one that is made to compact what needs that passes. */
export function withoutCompaction({ missing, ...rest }: ExpectedResults): ExpectedResults {
  return { ...rest, missing: Object.fromEntries(Object.entries(missing).filter(([, reason]) => reason !== "compaction")) };
}
