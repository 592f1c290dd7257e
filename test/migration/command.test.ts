import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import type { EmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { type Connection, connect } from "../../src/index.ts";
import { startCommand } from "../cli/command-line.ts";
import { type CommandResult, runInProcess } from "../unit/cli/run-in-process.ts";
import { keysOf, messagesOf, produce, valuesByKey } from "./two-topics.ts";

let kafka: EmulatedKafka;
let kinesis: EmulatedKinesis;
let directory: string;
let source: { connection: Connection; topic: string };
let target: { connection: Connection; topic: string };

beforeEach(async () => {
  kafka = await startEmulatedKafka({ topics: { flights: { partitions: 3 } } });
  kinesis = await startEmulatedKinesis({ topics: { departures: { partitions: 2 } } });
  directory = await mkdtemp(join(tmpdir(), "streamport-migration-"));
  source = { connection: await connect(kafka.url), topic: "flights" };
  target = { connection: await connect(kinesis.url), topic: "departures" };
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await source.connection.close();
  await target.connection.close();
  await kafka.close();
  await kinesis.close();
  await rm(directory, { recursive: true });
});

/** `runInProcess` takes back all variables of the environment, so they are set for each run. */
function migrate(step: string, ...args: readonly string[]): Promise<CommandResult> {
  return migrateTo(kinesis.url, step, ...args);
}

function migrateTo(url: string, step: string, ...args: readonly string[]): Promise<CommandResult> {
  vi.stubEnv("STREAM_SOURCE_URL", kafka.url);
  vi.stubEnv("STREAM_TARGET_URL", url);
  return runInProcess(["migrate", step, "--from-topic", "flights", "--to-topic", "departures", ...args]);
}

test("copy goes on behind what retention has removed only with --accept-removed, and names it", async () => {
  await produce(source, ["k"], 10);
  const state = ["--state", join(directory, "state")];
  expect(await migrate("copy", ...state)).toMatchObject({ exitCode: 0 });
  await produce(source, ["k"], 3, 10);
  await kafka.expire("flights");
  await produce(source, ["k"], 5, 13);
  expect(await migrate("copy", ...state)).toMatchObject({
    exitCode: 1,
    errors: expect.stringMatching(/^position-out-of-range: .*--accept-removed/),
  });
  const accepted = await migrate("copy", "--accept-removed", ...state);
  expect(accepted.exitCode).toBe(0);
  expect(accepted.errors).toMatch(
    /^Retention has removed 3 messages of partition \d before they were copied\.\nCopied 5 messages; 0 were there already, 0 messages behind\.\n$/,
  );
  expect(await migrate("verify")).toMatchObject({ exitCode: 0 });
});

test("copy prints its result, goes on behind it, and takes wrong usage and missing topics as such", async () => {
  await produce(source, keysOf(6), 20);
  const state = ["--state", join(directory, "state")];
  const first = await migrate("copy", "--json", ...state);
  expect(first).toMatchObject({ exitCode: 0, errors: "" });
  expect(JSON.parse(first.output.trimEnd().split("\n").at(-1)!)).toEqual({ copied: 120, duplicates: 0, lag: 0 });
  await produce(source, keysOf(6), 5, 20);
  // Without a terminal there are JSON lines as well, and the last of them is the result.
  const second = await migrate("copy", ...state);
  expect(second).toMatchObject({ exitCode: 0, errors: "Copied 30 messages; 0 were there already, 0 messages behind.\n" });
  const lines = second.output.trimEnd().split("\n");
  const [progress, result] = lines.slice(-2).map((line) => JSON.parse(line) as object);
  expect(progress).toEqual({
    progress: { copied: 30, duplicates: 0, returned: 0, lag: 0, partitions: [], perSecond: expect.any(Number) },
  });
  expect(result).toEqual({ copied: 30, duplicates: 0, lag: 0 });
  expect(valuesByKey(await messagesOf(target))).toEqual(valuesByKey(await messagesOf(source)));
  expect(await migrate("copy", "--rate", "0")).toMatchObject({ exitCode: 2 });
  const missing = await migrate("copy", "--to-topic", "none", ...state);
  expect(missing).toMatchObject({ exitCode: 1, output: "", errors: expect.stringMatching(/^not-found: /) });
  vi.unstubAllEnvs();
  const args = ["migrate", "copy", "--from-topic", "flights", "--to-topic", "departures"];
  expect(await runInProcess(args)).toMatchObject({ exitCode: 2, errors: expect.stringContaining("STREAM_SOURCE_URL") });
  vi.stubEnv("STREAM_SOURCE_URL", "memory:x");
  vi.stubEnv("STREAM_TARGET_URL", "memory:x");
  expect(await runInProcess(args)).toMatchObject({ exitCode: 2, errors: expect.stringContaining("memory:x") });
});

test.each([
  { what: "has an end, and has not come to it, ends with 130", args: ["--rate", "200"], exitCode: 130 },
  { what: "follows the source, ends with 0", args: ["--rate", "200", "--continuous"], exitCode: 0 },
])("an interrupted copy that $what, says what is copied, and goes on behind it", async ({ args, exitCode }) => {
  await produce(source, keysOf(100), 20);
  const state = ["--state", join(directory, "state")];
  const copy = ["migrate", "copy", "--from-topic", "flights", "--to-topic", "departures", "--json", ...state];
  const command = startCommand([...copy, ...args], { env: { STREAM_SOURCE_URL: kafka.url, STREAM_TARGET_URL: kinesis.url } });
  await expect.poll(command.output, { timeout: 20_000 }).toMatch(/"copied":[1-9]/);
  command.child.kill("SIGINT");
  const ended = await command.ended;
  expect(ended).toMatchObject({ exitCode, signal: null, errors: "" });
  const { copied, lag } = JSON.parse(ended.output.trimEnd().split("\n").at(-1)!) as { copied: number; lag: number };
  expect(copied).toBeGreaterThan(0);
  expect({ copied, lag }).toEqual({ copied, lag: 2_000 - copied });
  const { output } = await migrate("copy", "--json", ...state);
  expect(JSON.parse(output.trimEnd().split("\n").at(-1)!)).toEqual({ copied: 2_000 - copied, duplicates: 0, lag: 0 });
});

test("an interrupted copy that has nothing left is done, and ends with 0", async () => {
  await produce(source, keysOf(6), 20);
  const signals = vi.spyOn(process, "on");
  const running = migrate("copy", "--rate", "100", "--json", "--state", directory);
  await expect.poll(async () => (await messagesOf(target)).length, { interval: 10 }).toBeGreaterThan(0);
  const interrupt = signals.mock.calls.find(([name]) => name === "SIGINT")![1] as (signal: string) => void;
  signals.mockRestore();
  while ((await messagesOf(target)).length < 120) await new Promise((resolve) => setTimeout(resolve, 5));
  interrupt("SIGINT");
  const { exitCode, output, errors } = await running;
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
  expect(JSON.parse(output.trimEnd().split("\n").at(-1)!)).toEqual({ copied: 120, duplicates: 0, lag: 0 });
});

test("on a terminal a copy shows a bar with the rate, what is left and the time for it, and JSON lines only where they are asked for", async (context) => {
  const isTerminal = [process.stdout, process.stderr].map((stream) => [stream, Object.getOwnPropertyDescriptor(stream, "isTTY")] as const);
  for (const [stream] of isTerminal) Object.defineProperty(stream, "isTTY", { value: true, configurable: true });
  context.onTestFinished(() => {
    for (const [stream, before] of isTerminal) {
      if (before === undefined) Reflect.deleteProperty(stream, "isTTY");
      else Object.defineProperty(stream, "isTTY", before);
    }
  });
  await produce(source, keysOf(6), 60);
  const shown = await migrate("copy", "--rate", "150", "--state", directory);
  expect(shown).toMatchObject({ exitCode: 0, output: "" });
  expect(shown.errors).toMatch(/\[#*-*\] \d+ % \d+ messages copied, \d+ a second, \d+ behind, \d[^\r]* left/);
  expect(shown.errors).toContain("Copied 360 messages; 0 were there already, 0 messages behind.\n");
  const lines = await migrate("copy", "--json", "--state", directory);
  expect(lines).toMatchObject({ exitCode: 0, errors: "" });
  expect(JSON.parse(lines.output.trimEnd().split("\n").at(-1)!)).toEqual({ copied: 0, duplicates: 0, lag: 0 });
});

test("verify ends with 0 where both are equal, and with 1 where they differ", async () => {
  await produce(source, keysOf(6), 20);
  await migrate("copy", "--state", directory);
  expect(await migrate("verify")).toEqual({
    exitCode: 0,
    output: "",
    errors: "120 messages in the source, 120 of them in the target: equal.\n",
  });
  await produce(source, ["key-1"], 1, 20);
  const { exitCode, output } = await migrate("verify", "--json");
  expect(exitCode).toBe(1);
  expect(JSON.parse(output)).toMatchObject({
    equal: false,
    sourceMessages: 121,
    targetMessages: 120,
    missing: 1,
    firstDifference: { kind: "missing", targetPosition: null },
  });
  expect(await migrate("verify")).toMatchObject({
    exitCode: 1,
    errors: expect.stringMatching(/120 of them in the target: 1 missing\.\nThe first is missing: partition \d, position p1\./),
  });
  expect(await migrate("verify", "--group", "copy.flights.to.departures", "--sample", "1")).toEqual({
    exitCode: 0,
    output: "",
    errors: "120 messages in the source, 120 of them in the target: equal.\n",
  });
});

test("verify looks at a window, or at a sample", async () => {
  await produce(source, keysOf(6), 20);
  await migrate("copy", "--state", directory);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const since = String(Date.now());
  await produce(source, keysOf(6), 5, 20);
  const behind = await migrate("verify", "--json", "--since", since);
  expect(behind.exitCode).toBe(1);
  expect(JSON.parse(behind.output)).toMatchObject({ sourceMessages: 30, targetMessages: 0, missing: 30 });
  await migrate("copy", "--state", directory);
  expect(JSON.parse((await migrate("verify", "--json", "--since", since)).output)).toMatchObject({ equal: true, sourceMessages: 30 });
  const { sourceMessages } = JSON.parse((await migrate("verify", "--json", "--sample", "5")).output) as { sourceMessages: number };
  expect(sourceMessages).toBeGreaterThan(5);
  expect(sourceMessages).toBeLessThan(75);
  expect(await migrate("verify", "--since", "yesterday")).toMatchObject({ exitCode: 2 });
});

test("plan ends with 0 where a copy would lose nothing, and with 1 for a target without headers, which copy refuses as well", async () => {
  await produce(source, keysOf(6), 20);
  const ready = await migrate("plan");
  expect(ready).toMatchObject({ exitCode: 0, errors: "" });
  expect(ready.output).toMatch(/source +kafka +flights +3 /);
  expect(ready.output).toContain("Expected: 120 messages");
  expect(ready.output).toContain("Nothing would be lost");
  const raw = `${kinesis.url}${kinesis.url.includes("?") ? "&" : "?"}envelope=raw`;
  const refused = await migrateTo(raw, "plan", "--json");
  expect(refused.exitCode).toBe(1);
  expect(JSON.parse(refused.output)).toMatchObject({
    ready: false,
    findings: [
      { weight: "certain", what: expect.stringContaining("no headers") },
      {},
      {},
      {},
      {},
      { what: expect.stringContaining("shorter time") },
      { what: expect.stringContaining("keys move") },
      { what: expect.stringContaining("takes less") },
    ],
  });
  expect(await migrateTo(raw, "copy", "--state", directory)).toMatchObject({
    exitCode: 1,
    errors: expect.stringMatching(/^unsupported: .*no headers/),
  });
  expect(await messagesOf(target)).toEqual([]);
});
