import { readFile } from "node:fs/promises";
import type { ExpectedResults } from "../../src/conformance/index.ts";

/** What is checked in for this target. */
export async function expectedResults(target: string): Promise<ExpectedResults> {
  const text = await readFile(new URL(`./expected/${target}.json`, import.meta.url), "utf8");
  return JSON.parse(text) as ExpectedResults;
}
