import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as later } from "node:timers/promises";
import { expect, test } from "vitest";

const TIMEOUT_MS = 1_000;

interface Outcome {
  readonly handled: readonly string[];
  readonly failures: readonly string[];
  readonly aborted: boolean;
  readonly rejection: string | null;
}

/** A member in a process of its own, whose handler works for so long. Says "working" when it begins. */
function program(handlerMs: number): string {
  return `
    import { connect } from "./src/connect.ts";
    import { text } from "./src/codec/text.ts";
    const connection = await connect("memory:?create=orders");
    const orders = connection.topic("orders", { codec: text() });
    await orders.producer().send({ key: "a", value: "1" });
    const handled = [], failures = [];
    let aborted = false;
    const consumer = orders.consumer({
      group: "billing",
      handlerTimeoutMs: ${TIMEOUT_MS},
      retry: { maxAttempts: 1 },
      onFailure: ({ error }) => { failures.push(error.message); setImmediate(() => void consumer.close()); return "skip"; },
    });
    let rejection = null;
    await consumer.run(async (message, { signal }) => {
      process.stdout.write("working\\n");
      await new Promise((resolve) => setTimeout(resolve, ${handlerMs}));
      aborted = signal.aborted;
      handled.push(message.value);
      setImmediate(() => void consumer.close());
    }).catch((error) => { rejection = error.message; });
    process.stdout.write(JSON.stringify({ handled, failures, aborted, rejection }) + "\\n");
    await connection.close();
  `;
}

/** Resolves with what the process printed next. */
async function line(child: ChildProcess, pattern: RegExp): Promise<string> {
  let printed = "";
  return new Promise((resolve, reject) => {
    child.stdout!.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
      const match = pattern.exec(printed);
      if (match !== null) resolve(match[0]);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the member has ended (${code}): ${printed}`)));
  });
}

async function stopped(handlerMs: number, afterMs: number, forMs: number): Promise<Outcome> {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", program(handlerMs)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const outcome = line(child, /\{.*\}/);
    outcome.catch(() => undefined);
    await line(child, /working/);
    await later(afterMs);
    child.kill("SIGSTOP");
    await later(forMs);
    child.kill("SIGCONT");
    return JSON.parse(await outcome) as Outcome;
  } finally {
    child.kill("SIGKILL");
  }
}

const STOPS = process.platform === "win32" ? [] : [1.5 * TIMEOUT_MS, 3 * TIMEOUT_MS];

// Each waits for seconds, for a process of its own.
test.concurrent.each(STOPS)(
  "a handler that is done in time has not timed out because its process was stopped for %i ms",
  async (forMs) => {
    expect(await stopped(TIMEOUT_MS / 2, TIMEOUT_MS / 5, forMs)).toEqual({ handled: ["1"], failures: [], aborted: false, rejection: null });
  },
  20_000,
);

test.concurrent.each(STOPS.slice(-1))(
  "a handler that was aborted, and settles before twice its time, does not end the run because its process was stopped for %i ms",
  async (forMs) => {
    const { handled, failures, aborted, rejection } = await stopped(1.5 * TIMEOUT_MS, 1.2 * TIMEOUT_MS, forMs);
    expect({ handled, aborted, rejection }).toEqual({ handled: ["1"], aborted: true, rejection: null });
    expect(failures).toEqual([expect.stringContaining("has not settled in time")]);
  },
  20_000,
);
