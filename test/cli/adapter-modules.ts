import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..", "..");
const source = (path: string): string => JSON.stringify(pathToFileURL(join(root, path)).href);

/** What a third party's module begins with here: the provider of memory, by its parts. */
export const PREAMBLE = `
import { openMemory } from ${source("adapters/memory/open.ts")};
import { memoryBroker } from ${source("adapters/memory/broker/brokers.ts")};
import { allMutants } from ${source("test/mutants/mutants.ts")};
const breakage = allMutants().find(({ name }) => name === "drops-a-record").break();
`;

/** Drops a message of some batches. */
export const BROKEN = `${PREAMBLE}
export const openDriver = (url) => breakage.driver(openMemory(url));
`;

/** A last word of the process, on what is left in the broker `memory:shared`. */
export const LAST_WORD = `
process.on("exit", () => console.error("topics left: " + memoryBroker("shared").topicNames.length));
`;

/** Files that stand in a folder of their own, for as long as the test takes. */
export async function writeFiles(files: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "streamport-conformance-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return { folder, [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }) };
}
