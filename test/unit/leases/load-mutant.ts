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

/** The engine with this defect: a copy of its folder; everything else is the tree's own. @throws where the text is not there exactly once */
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
  for (const entry of await readdir(join(SOURCES, folder))) {
    const text = await readFile(join(SOURCES, folder, entry), "utf8");
    if (entry === file && text.split(find).length !== 2)
      throw new Error(`mutant ${name}: ${file} has not exactly one ${JSON.stringify(find)}`);
    await writeFile(join(copy, folder, entry), entry === file ? text.replace(find, () => replace) : text);
  }
  const used = await use(async <Module>(path: string) => (await import(/* @vite-ignore */ pathToFileURL(join(copy, path)).href)) as Module);
  await rm(root, { recursive: true, force: true });
  return used;
}
