import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { inject } from "vitest";
import { installInto, pack, projectRoot } from "./packed-package.ts";

const LOOK_AGAIN_MS = 100;

/**
 * The package as it is published, built and installed once in a run, by the file that asks first. Everybody else waits, and changes
 * nothing in it.
 */
export interface PackedOnce {
  /** What is compiled, as it was packed. */
  readonly dist: string;
  /** An empty project that has only the package. */
  readonly project: string;
}

export async function packedOnce(): Promise<PackedOnce> {
  const folder = join(inject("runFolder"), "packed");
  const outcome = join(inject("runFolder"), "packed.json");
  const isFirst = await mkdir(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
      return false;
    },
  );
  if (isFirst) await writeFile(outcome, JSON.stringify(await installed(folder)), { flag: "wx" });
  for (;;) {
    // Half written, it cannot be parsed yet.
    const text = await readFile(outcome, "utf8").catch(() => "");
    if (text.endsWith("}")) {
      const { failed } = JSON.parse(text) as { failed?: string };
      if (failed !== undefined) throw new Error(failed);
      return { dist: join(folder, "stage", "dist"), project: join(folder, "project") };
    }
    await later(LOOK_AGAIN_MS);
  }
}

async function installed(folder: string): Promise<{ failed?: string }> {
  try {
    await installInto(folder, await pack(folder));
    return {};
  } catch (error) {
    return { failed: `the package could not be packed and installed: ${String(error)}` };
  }
}

/** A project of one's own that has only the package: faster than another installation of the same. */
export async function projectWithPackage(target: string): Promise<string> {
  const { project } = await packedOnce();
  await cp(project, target, { recursive: true, verbatimSymlinks: true });
  return target;
}

/** The same beside kafkajs. */
export async function projectWithKafka(target: string): Promise<string> {
  const project = await projectWithPackage(target);
  await cp(join(projectRoot, "node_modules", "kafkajs"), join(project, "node_modules", "kafkajs"), { recursive: true });
  return project;
}
