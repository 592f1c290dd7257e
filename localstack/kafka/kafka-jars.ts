import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "./program.ts";

const POM = fileURLToPath(new URL("pom.xml", import.meta.url));
const DOWNLOAD_TIMEOUT_MS = 600_000;

/** The release of Kafka that `pom.xml` names. */
export function kafkaVersion(): string {
  const version = /<kafka\.version>([^<]+)</.exec(readFileSync(POM, "utf8"))?.[1];
  if (version === undefined) throw new Error(`${POM} names no kafka.version`);
  return version;
}

/** The folder of the jars, outside the repository. Each version of `pom.xml` has its own. */
export function kafkaJarsFolder(): string {
  const caches = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const content = createHash("sha256").update(readFileSync(POM)).digest("hex").slice(0, 8);
  return join(caches, "streamport", `kafka-${kafkaVersion()}-${content}`);
}

export function kafkaJarsAreCached(): boolean {
  return existsSync(kafkaJarsFolder());
}

/**
 * Fetches the jars of Kafka with Maven, once: later calls find them in the cache.
 * @returns the class path
 */
export async function kafkaClassPath(): Promise<string> {
  const folder = kafkaJarsFolder();
  if (!existsSync(folder)) await fetchJars(folder);
  return join(folder, "*");
}

/** The jars are copied to a folder next to the final one, which is renamed when it is complete. So no interrupted or concurrent run leaves an incomplete set. */
async function fetchJars(folder: string): Promise<void> {
  await mkdir(join(folder, ".."), { recursive: true });
  const making = await mkdtemp(`${folder}.making-`);
  try {
    const copy = ["-q", "-B", "-f", POM, "dependency:copy-dependencies", `-DoutputDirectory=${making}`];
    await runProgram("mvn", copy, { timeoutMs: DOWNLOAD_TIMEOUT_MS });
    await rename(making, folder);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    // Another process was faster. Its copy is the same.
    if (!existsSync(folder)) throw new Error(`could not fetch the jars of Kafka ${kafkaVersion()} with Maven`, { cause: error });
  }
}
