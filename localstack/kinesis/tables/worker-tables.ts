import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { StreamError } from "../../../src/errors.ts";
import { DynaliteTables } from "./dynalite-tables.ts";
import type { TableAnswer, TableOptions, Tables } from "./tables.ts";

/**
 * Tables in a thread of their own: dynalite waits with the global timers, which an application's tests may have replaced, and does not keep
 * the streams waiting. Where the thread's file is missing, because the application is bundled, they are in this thread.
 * @throws `configuration` if dynalite is not installed
 */
export async function openTables(options: TableOptions): Promise<Tables> {
  const file = workerFile();
  return file === null ? DynaliteTables.open(options) : WorkerTables.open(file, options);
}

function workerFile(): string | null {
  const here: string | undefined = import.meta.url;
  if (here === undefined) return null;
  const file = fileURLToPath(new URL(`./tables-worker${here.endsWith(".ts") ? ".ts" : ".js"}`, here));
  return existsSync(file) ? file : null;
}

/** `[id, status, body]` */
type WorkerAnswer = readonly [number, number, string];

class WorkerTables implements Tables {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (answer: TableAnswer) => void>();
  #calls = 0;
  #isClosed = false;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static async open(file: string, options: TableOptions): Promise<WorkerTables> {
    const { accountId, region } = options;
    const worker = new Worker(file, { workerData: options, env: { AWS_ACCOUNT_ID: accountId, AWS_REGION: region }, execArgv: [] });
    const tables = new WorkerTables(worker);
    await new Promise<void>((resolve, reject) => {
      worker.on("message", (message: "ready" | WorkerAnswer) => {
        if (message === "ready") resolve();
        else tables.#receive(message);
      });
      // At first the library is missing; later it has a defect.
      worker.on("error", (error) => {
        reject(restored(error));
        tables.#fail();
      });
      worker.on("exit", () => tables.#fail());
    });
    worker.unref();
    return tables;
  }

  #receive([id, status, body]: WorkerAnswer): void {
    this.#waiting.get(id)?.({ status, body });
    this.#waiting.delete(id);
  }

  async call(operation: string, body: string): Promise<TableAnswer> {
    if (this.#isClosed) return INTERNAL_ERROR;
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#worker.postMessage([id, operation, body], []);
    });
  }

  /** Calls that wait get an error as of a service that has one. */
  #fail(): void {
    this.#isClosed = true;
    for (const answer of this.#waiting.values()) answer(INTERNAL_ERROR);
    this.#waiting.clear();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker.terminate();
  }
}

const INTERNAL_ERROR: TableAnswer = {
  status: 500,
  body: JSON.stringify({
    __type: "com.amazonaws.dynamodb.v20120810#InternalServerError",
    message: "The tables of the emulator are closed.",
  }),
};

/** An error of another thread has lost its class. */
function restored(error: unknown): Error {
  const { message, code } = error as { readonly message: string; readonly code?: string };
  if (code !== "configuration") return error as Error;
  return new StreamError("configuration", message, { provider: "kinesis" });
}
