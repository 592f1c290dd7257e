import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { programSays, runProgram } from "../../../localstack/kafka/program.ts";

const POM = join(import.meta.dirname, "pom.xml");
const PROGRAM = join(import.meta.dirname, "KclWorker.java");
/** Of the JDK, which compiles the program when it starts it. */
const JAVA = "java";
const DOWNLOAD_TIMEOUT_MS = 600_000;
const CLEANUP_MS = 300_000;
const ERROR_CHARACTERS = 4_000;

/** What a worker prints. */
export interface KclEvent {
  readonly what: "started" | "record" | "ended" | "lost" | "failed";
  readonly shard: string;
  /** Of a record its key and its text; of a start its place; of a failure its name. */
  readonly details: readonly string[];
}

export interface KclSettings {
  /** Of Kinesis and of DynamoDB. */
  readonly endpoint: string;
  readonly stream: string;
  /** Also the name of its table. */
  readonly application: string;
  /** Where it begins in shards of which its table has no row; `AT_TIMESTAMP:` and milliseconds since 1970. */
  readonly start: "TRIM_HORIZON" | "LATEST" | `AT_TIMESTAMP:${number}`;
  /** How long rows of ended shards stay whose children have begun. @default the five minutes of the library */
  readonly cleanupMs?: number | undefined;
}

/** What this machine lacks for the Kinesis Client Library, as one sentence, or null. */
export function kclRequirements(): string | null {
  const isComplete = programSays("javac", ["-version"]) !== null && programSays("mvn", ["-v"]) !== null;
  return isComplete ? null : "the Kinesis Client Library needs a JDK and Maven";
}

/** One worker of an application on the Kinesis Client Library for Java, in a process of its own. */
export class KclWorker implements AsyncDisposable {
  readonly events: KclEvent[] = [];
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  /** What it has said last on its standard error. */
  #errors = "";
  #isKilled = false;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#ended = new Promise((resolve) => void process.once("close", () => resolve()));
    process.stderr!.setEncoding("utf8").on("data", (text: string) => (this.#errors = `${this.#errors}${text}`.slice(-ERROR_CHARACTERS)));
    createInterface({ input: process.stdout! }).on("line", (line) => {
      const [what, shard = "", ...details] = line.split("\t");
      this.events.push({ what: what as KclEvent["what"], shard, details });
    });
  }

  /** Fetches its jars at the first time. Rejects with what this machine lacks. */
  static async start({ endpoint, stream, application, start, cleanupMs = CLEANUP_MS }: KclSettings): Promise<KclWorker> {
    const missing = kclRequirements();
    if (missing !== null) throw new Error(missing);
    const jars = await fetchJars();
    const settings = ["-Daws.cborEnabled=false", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"];
    const args = ["-cp", join(jars, "*"), ...settings, PROGRAM, endpoint, stream, application, start, String(cleanupMs)];
    return new KclWorker(spawn(JAVA, args, { stdio: ["ignore", "pipe", "pipe"] }));
  }

  /** Where it has begun, a place for each shard. */
  get starts(): ReadonlyMap<string, string> {
    return new Map(this.events.filter(({ what }) => what === "started").map(({ shard, details }) => [shard, details[0] ?? ""]));
  }

  /** The texts of the records, in the order in which they came. */
  get texts(): readonly string[] {
    return this.events.filter(({ what }) => what === "record").map(({ details }) => details[1]!);
  }

  /** @throws what it has said, if it has ended by itself: a test would wait in vain */
  requireRunning(): void {
    if (!this.#isKilled && this.#process.exitCode !== null) throw new Error(`the worker has ended: ${this.#errors}`);
  }

  /** Ends it as a crash does: its leases stay until they expire. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    this.#process.kill("SIGKILL");
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

async function fetchJars(): Promise<string> {
  const caches = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const content = createHash("sha256").update(readFileSync(POM)).digest("hex").slice(0, 8);
  const folder = join(caches, "streamport", `kinesis-client-library-${content}`);
  if (existsSync(folder)) return folder;
  await mkdir(join(folder, ".."), { recursive: true });
  // It is renamed when it is complete, so that no interrupted run leaves an incomplete set.
  const making = await mkdtemp(`${folder}.making-`);
  try {
    const copy = ["-q", "-B", "-f", POM, "dependency:copy-dependencies", `-DoutputDirectory=${making}`];
    await runProgram("mvn", copy, { timeoutMs: DOWNLOAD_TIMEOUT_MS });
    await rename(making, folder);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    if (!existsSync(folder)) throw new Error("could not fetch the Kinesis Client Library with Maven", { cause: error });
  }
  return folder;
}
