import { readFile } from "node:fs/promises";
import type { ExpectedResults } from "../../src/conformance/index.ts";

/** What is checked in for this target. */
export async function expectedResults(target: string): Promise<ExpectedResults> {
  const text = await readFile(new URL(`./expected/${target}.json`, import.meta.url), "utf8");
  return JSON.parse(text) as ExpectedResults;
}

/** What a server of our own can be made to show, as `startConformanceKafka` does. */
const MADE_TO_SHOW: ReadonlySet<string> = new Set(["compaction", "damage"]);

/** The list is of what any server shows; of one of our own what needs compaction or damage passes as well. */
export function expectedOfOurOwn({ missing, ...rest }: ExpectedResults): ExpectedResults {
  return { ...rest, missing: Object.fromEntries(Object.entries(missing).filter(([, reason]) => !MADE_TO_SHOW.has(reason))) };
}
