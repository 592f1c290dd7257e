import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { programSays, runProgram } from "../../localstack/kafka/program.ts";

const FETCH_TIMEOUT_MS = 600_000;

/** Clients of others that judge an emulator are no dependencies: they are fetched when a test needs them, once, into the cache of the user. */
function cacheFolder(kind: string, packages: readonly string[]): string {
  const caches = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const content = createHash("sha256").update(packages.join(" ")).digest("hex").slice(0, 8);
  return join(caches, "streamport", `${kind}-${content}`);
}

/** A folder whose `node_modules` has these packages: `azurite@3.37.0`. */
export async function npmFolder(packages: readonly string[]): Promise<string> {
  const folder = cacheFolder("npm", packages);
  await once(folder, packages, async (fresh) => {
    await writeFile(join(fresh, "package.json"), JSON.stringify({ name: "fetched", private: true }));
    await runProgram("npm", ["install", "--no-audit", "--no-fund", "--prefix", fresh, ...packages], { timeoutMs: FETCH_TIMEOUT_MS });
  });
  return folder;
}

/** What this machine lacks for clients in Python, as one sentence, or null. Downloads nothing. */
export function pythonRequirements(): string | null {
  const said = programSays("python3", ["-m", "pip", "--version"]);
  return said !== null && /^pip \d/.test(said) ? null : "a client in Python needs python3 with pip";
}

/**
 * A folder with these packages of Python, and with what they need.
 * @param packages with their versions: `oci==2.189.0`
 * @returns the folder, for `PYTHONPATH`
 */
export async function pythonFolder(packages: readonly string[]): Promise<string> {
  const folder = cacheFolder("python-packages", packages);
  await once(folder, packages, async (fresh) => {
    await runProgram("python3", ["-m", "pip", "install", "-q", "--target", fresh, ...packages], { timeoutMs: FETCH_TIMEOUT_MS });
  });
  return folder;
}

/** Fills a folder that is renamed when it is complete, so that no interrupted or concurrent run leaves an incomplete one. */
async function once(folder: string, packages: readonly string[], fill: (fresh: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  try {
    await fill(fresh);
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    // Another process was faster. Its copy is the same.
    if (!existsSync(folder)) throw new Error(`could not fetch ${packages.join(" ")}`, { cause: error });
  }
}
