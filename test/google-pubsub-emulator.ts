import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { javaProgram, missingJava } from "../localstack/kafka/java-program.ts";
import { freeLoopbackPorts } from "../localstack/kafka/loopback-ports.ts";
import { startProcessGuard } from "../localstack/kafka/process-guard.ts";

/** Where the Debian package google-cloud-cli-pubsub-emulator puts Google's own emulator. */
const FOLDER = "/usr/lib/google-cloud-sdk/platform/pubsub-emulator/lib";
const START_TIMEOUT_MS = 60_000;

/** Google's emulator in a process of its own, with nothing in it. */
export interface GooglePubSub extends AsyncDisposable {
  /** `host:port` */
  readonly apiEndpoint: string;
}

/** What this machine lacks for Google's emulator, as one sentence, or null. Starts nothing. */
export function googlePubSubRequirements(): string | null {
  const missing = [missingJava(), jar() === null ? "the Debian package google-cloud-cli-pubsub-emulator" : null];
  const named = missing.filter((part) => part !== null);
  return named.length === 0 ? null : `Google's Pub/Sub emulator needs ${named.join(", and ")}`;
}

/** Rejects if it is not ready within a minute. It does not outlive this process. */
export async function startGooglePubSub(): Promise<GooglePubSub> {
  const missing = googlePubSubRequirements();
  if (missing !== null) throw new Error(missing);
  const folder = await mkdtemp(join(tmpdir(), "google-pubsub-"));
  const guard = startProcessGuard(folder);
  const [port] = await freeLoopbackPorts(1);
  const args = ["-Xmx512m", "-jar", jar()!, "--host=127.0.0.1", `--port=${port}`];
  const child = spawn(javaProgram(), args, { stdio: ["ignore", "pipe", "pipe"] });
  guard.watch(child);
  const exited = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill();
    await exited;
    guard.end();
    await rm(folder, { recursive: true, force: true });
  };
  const isReady = Promise.withResolvers<void>();
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on("line", (line) => {
      if (line.includes("Server started, listening on")) isReady.resolve();
    });
  }
  const timer = setTimeout(() => isReady.reject(new Error("Google's Pub/Sub emulator is not ready")), START_TIMEOUT_MS);
  void exited.then(() => isReady.reject(new Error("Google's Pub/Sub emulator has ended")));
  try {
    await isReady.promise;
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return { apiEndpoint: `127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
}

function jar(): string | null {
  if (!existsSync(FOLDER)) return null;
  const name = readdirSync(FOLDER).find((file) => /^cloud-pubsub-emulator-.*\.jar$/.test(file));
  return name === undefined ? null : join(FOLDER, name);
}
