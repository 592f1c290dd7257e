import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { startEmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";
import { connect, text } from "../../../../src/index.ts";

const SESSION_MS = 1_000;
const MESSAGES = 600;

/** A member in a process of its own, with all messages in its buffers. It prints the epoch of each handler that starts. */
function program(url: string): string {
  return `
    import { connect } from "./src/connect.ts";
    import { text } from "./src/codec/text.ts";
    const connection = await connect(${JSON.stringify(url)});
    const consumer = connection.topic("orders", { codec: text() }).consumer({ group: "billing", sessionTimeoutMs: ${SESSION_MS} });
    process.stdin.once("data", () => void connection.close());
    await consumer.run(async (message, { epoch }) => {
      process.stdout.write(epoch + "\\n");
      await new Promise((resolve) => setTimeout(resolve, 5));
    });
    process.stdin.destroy();
  `;
}

/** The epochs that the process prints, as they come. */
function epochsOf(child: ChildProcess): string[] {
  const epochs: string[] = [];
  createInterface({ input: child.stdout! }).on("line", (line) => epochs.push(line));
  return epochs;
}

// A process can be stopped only where there are such signals.
test.each(process.platform === "win32" ? [] : [[2 * SESSION_MS]])(
  "a member whose process was stopped for longer than its session starts no handler for what it has lost",
  { timeout: 20_000 },
  async (stoppedMs) => {
    await using kafka = await startEmulatedKafka({ topics: { orders: { partitions: 1 } } });
    await using connection = await connect(kafka.url);
    const orders = connection.topic("orders", { codec: text() });
    await orders.producer().sendBatch(Array.from({ length: MESSAGES }, (_, index) => ({ key: "a", value: String(index) })));
    const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", program(kafka.url)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const epochs = epochsOf(child);
    try {
      await expect.poll(() => epochs.length, { timeout: 10_000 }).toBeGreaterThan(3);
      child.kill("SIGSTOP");
      let taken = 0;
      const successor = orders.consumer({ group: "billing", sessionTimeoutMs: SESSION_MS });
      const running = successor.run(() => void (taken += 1));
      const stopped = new Promise((resolve) => setTimeout(resolve, stoppedMs));
      await expect.poll(() => taken, { timeout: 10_000 }).toBeGreaterThan(0);
      await stopped;
      const [before] = epochs;
      const startedBefore = epochs.length;
      child.kill("SIGCONT");
      await expect.poll(() => taken, { timeout: 10_000 }).toBeGreaterThanOrEqual(MESSAGES - startedBefore);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(epochs.slice(startedBefore).filter((epoch) => epoch === before)).toEqual([]);
      await successor.close();
      await running;
    } finally {
      child.kill("SIGKILL");
    }
  },
);
