import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Engine } from "./world/engine.ts";

/** A defect of the engine that a test must catch: one text of one file of `src/leases` is another one. */
export interface EngineMutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const SOURCES = resolve("src");

/** The engine with this defect: a copy of its folder; everything else is the tree's own. @throws where the text is not there exactly once */
export async function loadMutant({ name, file, find, replace }: EngineMutant): Promise<Engine> {
  const root = await mkdtemp(join(tmpdir(), "streamport-mutant-"));
  const folder = join(root, "src");
  await mkdir(join(folder, "leases"), { recursive: true });
  for (const entry of await readdir(SOURCES)) if (entry !== "leases") await symlink(join(SOURCES, entry), join(folder, entry));
  for (const entry of await readdir(join(SOURCES, "leases"))) {
    const text = await readFile(join(SOURCES, "leases", entry), "utf8");
    if (entry === file && text.split(find).length !== 2)
      throw new Error(`mutant ${name}: ${file} has not exactly one ${JSON.stringify(find)}`);
    await writeFile(join(folder, "leases", entry), entry === file ? text.replace(find, () => replace) : text);
  }
  const engine = (await import(/* @vite-ignore */ pathToFileURL(join(folder, "leases", "index.ts")).href)) as Engine;
  await rm(root, { recursive: true, force: true });
  return engine;
}
