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
  await once(folder, async (fresh) => {
    await writeFile(join(fresh, "package.json"), JSON.stringify({ name: "fetched", private: true }));
    await runProgram("npm", ["install", "--no-audit", "--no-fund", "--prefix", fresh, ...packages], { timeoutMs: FETCH_TIMEOUT_MS });
  });
  return folder;
}

/** What this machine lacks for clients in Python, as one sentence, or null. */
export function missingPython(): string | null {
  return programSays("python3", ["-c", "import venv, ensurepip"]) === null ? "clients in Python need python3 with venv" : null;
}

/** The Python that has these packages: `azure-eventhub==5.15.1`. */
export async function pythonWith(packages: readonly string[]): Promise<string> {
  const folder = cacheFolder("python", packages);
  // An environment of Python cannot be moved, so it is made in its place and marked when it is complete.
  const done = join(folder, "complete");
  if (!existsSync(done)) {
    await mkdir(folder, { recursive: true });
    await runProgram("python3", ["-m", "venv", folder], { timeoutMs: FETCH_TIMEOUT_MS });
    await runProgram(join(folder, "bin", "pip"), ["install", "--quiet", ...packages], { timeoutMs: FETCH_TIMEOUT_MS });
    await writeFile(done, "");
  }
  return join(folder, "bin", "python");
}

/** So no interrupted or concurrent run leaves an incomplete folder. */
async function once(folder: string, fill: (fresh: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  await mkdir(dirname(folder), { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  await fill(fresh);
  await rename(fresh, folder).catch(async (error: unknown) => {
    await rm(fresh, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  });
}
