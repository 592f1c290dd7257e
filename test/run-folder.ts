import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder that all files of a run share, for what one of them makes and others use as well. */
    readonly runFolder: string;
  }
}

/** Makes the folder before the run and removes it afterwards. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "streamport-run-"));
  provide("runFolder", folder);
  return async () => rm(folder, { recursive: true, force: true });
}
