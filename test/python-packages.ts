import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { programSays, runProgram } from "../localstack/kafka/program.ts";

const DOWNLOAD_TIMEOUT_MS = 600_000;

/** What this machine lacks for clients in Python, as one sentence, or null. Downloads nothing. */
export function pythonRequirements(): string | null {
  const said = programSays("python3", ["-m", "pip", "--version"]);
  return said !== null && /^pip \d/.test(said) ? null : "a client in Python needs python3 with pip";
}

/**
 * Fetches a package of Python and what it needs, once: later calls find it in the cache.
 * @param requirement with its version: `oci==2.189.0`
 * @returns the folder, for `PYTHONPATH`
 */
export async function pythonPackage(requirement: string): Promise<string> {
  const caches = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const folder = join(caches, "streamport", `python-${requirement.replaceAll(/[^\w.-]+/g, "-")}`);
  if (existsSync(folder)) return folder;
  await mkdir(join(folder, ".."), { recursive: true });
  // It is renamed when it is complete, so that no interrupted run leaves an incomplete set.
  const making = await mkdtemp(`${folder}.making-`);
  try {
    await runProgram("python3", ["-m", "pip", "install", "-q", "--target", making, requirement], { timeoutMs: DOWNLOAD_TIMEOUT_MS });
    await rename(making, folder);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    // Another process was faster. Its copy is the same.
    if (!existsSync(folder)) throw new Error(`could not fetch ${requirement} with pip`, { cause: error });
  }
  return folder;
}
