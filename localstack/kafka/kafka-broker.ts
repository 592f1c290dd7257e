import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { probeBroker } from "./broker-probe.ts";
import { javaProgram } from "./java-program.ts";
import type { ProcessGuard } from "./process-guard.ts";

/** One broker of a local cluster, as a process that a test may stop, kill or freeze. */
export interface KafkaBroker {
  readonly nodeId: number;
  /** Port of the listener without security. */
  readonly address: string;
  /** Process id of the running broker. */
  readonly pid: number | undefined;
  /** Starts it again with the same ports and data. Resolves when it serves groups. */
  start(): Promise<void>;
  /** Stops it in an orderly way: it hands over its leadership and flushes its log. */
  stop(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Sends SIGSTOP: connections stay open and no request is answered, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** The end of its log, from level "warn". */
  logTail(): string;
}

export interface KafkaBrokerOptions {
  readonly nodeId: number;
  readonly port: number;
  /** The arguments of `java`, without the properties file at their end. */
  readonly javaArguments: readonly string[];
  readonly logFile: string;
  readonly guard: ProcessGuard;
  readonly readyTimeoutMs: number;
}

const LOG_TAIL_CHARACTERS = 4_000;
const PROBE_INTERVAL_MS = 25;
const STOP_TIMEOUT_MS = 30_000;

export class KafkaBrokerProcess implements KafkaBroker {
  readonly nodeId: number;
  readonly address: string;
  readonly #options: KafkaBrokerOptions;
  #child: ChildProcess | undefined;

  constructor(options: KafkaBrokerOptions) {
    this.#options = options;
    this.nodeId = options.nodeId;
    this.address = `127.0.0.1:${options.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    await this.startKnowing([this.nodeId]);
  }

  /** Starts the process and waits until it knows these brokers. */
  async startKnowing(nodeIds: readonly number[]): Promise<void> {
    if (this.#child !== undefined) throw new Error(`broker ${this.nodeId} runs already`);
    const child = this.#spawn();
    this.#child = child;
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    try {
      await this.#ready(child, nodeIds);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exited = exitOf(child);
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await exited.finally(() => clearTimeout(late));
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exited = exitOf(child);
    child.kill("SIGKILL");
    await exited;
  }

  freeze(): void {
    this.#running().kill("SIGSTOP");
  }

  thaw(): void {
    this.#running().kill("SIGCONT");
  }

  logTail(): string {
    return readFileSync(this.#options.logFile, "utf8").slice(-LOG_TAIL_CHARACTERS);
  }

  #spawn(): ChildProcess {
    const log = openSync(this.#options.logFile, "a");
    try {
      const child = spawn(javaProgram(), this.#options.javaArguments, { stdio: ["ignore", log, log] });
      if (child.pid !== undefined) this.#options.guard.watch(child);
      // The exit of the broker shows what became of it. A broker that still runs must not keep this process alive.
      child.on("error", () => undefined);
      child.unref();
      return child;
    } finally {
      closeSync(log);
    }
  }

  async #ready(child: ChildProcess, nodeIds: readonly number[]): Promise<void> {
    const deadline = performance.now() + this.#options.readyTimeoutMs;
    for (;;) {
      const missing = await probeBroker(this.#options.port, nodeIds).catch((error: unknown) => `it is not reached yet (${String(error)})`);
      if (missing === null) return;
      if (hasEnded(child)) throw new Error(`broker ${this.nodeId} of Kafka ended before it was ready\n${this.logTail()}`);
      if (performance.now() > deadline) {
        throw new Error(
          `broker ${this.nodeId} of Kafka was not ready after ${this.#options.readyTimeoutMs} ms: ${missing}\n${this.logTail()}`,
        );
      }
      await sleep(PROBE_INTERVAL_MS);
    }
  }

  #running(): ChildProcess {
    if (this.#child === undefined) throw new Error(`broker ${this.nodeId} does not run`);
    return this.#child;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.ref();
  await once(child, "exit");
}
