import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Engine, Stack } from "./world/engine.ts";

/** A defect that a test must catch: one text of one file of `src/leases`, or of another folder of `src`, is another one. */
export interface EngineMutant {
  readonly name: string;
  /** @default "leases" */
  readonly folder?: "leases" | "consume";
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const SOURCES = resolve("src");

/** The engine with this defect: a copy of the file and of what imports it; everything else is the tree's own. @throws where the text is not there exactly once */
export async function loadMutant(mutant: EngineMutant): Promise<Engine> {
  return withMutant(mutant, (load) => load<Engine>("leases/index.ts"));
}

/** The engine and the core, one of them with this defect. @throws as `loadMutant` */
export async function loadStack(mutant: EngineMutant): Promise<Stack> {
  return withMutant(mutant, async (load) => ({
    engine: await load<Engine>("leases/index.ts"),
    createConsumer: (await load<Pick<Stack, "createConsumer">>("consume/consumer.ts")).createConsumer,
  }));
}

async function withMutant<T>(
  { name, folder = "leases", file, find, replace }: EngineMutant,
  use: (load: <Module>(path: string) => Promise<Module>) => Promise<T>,
): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), "streamport-mutant-"));
  const copy = join(root, "src");
  await mkdir(join(copy, folder), { recursive: true });
  for (const entry of await readdir(SOURCES)) if (entry !== folder) await symlink(join(SOURCES, entry), join(copy, entry));
  const texts = await textsOf(folder);
  const changed = importersOf(file, texts);
  for (const [entry, text] of texts) {
    if (entry === file && text.split(find).length !== 2)
      throw new Error(`mutant ${name}: ${file} has not exactly one ${JSON.stringify(find)}`);
    if (!changed.has(entry)) await symlink(join(SOURCES, folder, entry), join(copy, folder, entry));
    else await writeFile(join(copy, folder, entry), entry === file ? text.replace(find, () => replace) : text);
  }
  const used = await use(async <Module>(path: string) => (await import(/* @vite-ignore */ pathToFileURL(join(copy, path)).href)) as Module);
  await rm(root, { recursive: true, force: true });
  return used;
}

const read = new Map<string, Promise<ReadonlyMap<string, string>>>();

/** The files of a folder of the sources by their names, read once for all mutants. */
async function textsOf(folder: string): Promise<ReadonlyMap<string, string>> {
  let texts = read.get(folder);
  if (texts === undefined) read.set(folder, (texts = readFolder(join(SOURCES, folder))));
  return texts;
}

async function readFolder(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(folder);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)));
}

/** A file, and those beside it that import it, over whichever others. */
function importersOf(file: string, texts: ReadonlyMap<string, string>): ReadonlySet<string> {
  const found = new Set([file]);
  // What is added is visited as well.
  for (const imported of found) for (const [name, text] of texts) if (text.includes(`from "./${imported}"`)) found.add(name);
  return found;
}
