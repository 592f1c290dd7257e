import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, type Server, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedKafka, startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { type Connection, connect, text } from "../../src/index.ts";
import { availableProviders } from "../providers.ts";
import { type RunningCommand, runCommandLine, startCommand } from "./command-line.ts";

// What only a process of its own shows: exit codes, signals, pipes. What it prints is tested in test/unit/cli.

let folder: string;
/** Each test has a topic of its own there. */
let kafka: EmulatedKafka;
let connection: Connection<"topicAdmin">;
/** Takes connections and never answers. */
let silent: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamport-cli-"));
  kafka = await startEmulatedKafka();
  connection = await connect(kafka.url, { require: ["topicAdmin"] });
  silent = createServer((socket) => socket.on("error", () => undefined)).listen(0, "127.0.0.1");
  await once(silent, "listening");
});

afterAll(async () => {
  silent.close();
  await connection.close();
  await kafka.close();
  await rm(folder, { recursive: true, force: true });
});

function silentUrl(): string {
  return `kafka://127.0.0.1:${(silent.address() as AddressInfo).port}`;
}

async function newTopic(): Promise<string> {
  const topic = `t-${randomUUID()}`;
  await connection.admin.createTopic(topic, { partitions: 1 });
  return topic;
}

/** The values of all that is stored. */
async function stored(topic: string): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const { value } of connection.topic(topic, { codec: text() }).reader({ until: "now" })) values.push(value);
  return values;
}

async function untilPrinted(command: RunningCommand, text: string): Promise<void> {
  await expect.poll(() => command.output() + command.errors(), { timeout: 20_000 }).toContain(text);
}

describe("exit codes", () => {
  test("0, 1 and 2: done, failed, wrong usage", async () => {
    expect(await runCommandLine(["capabilities", "memory:", "--json"])).toMatchObject({ exitCode: 0, errors: "" });
    expect(await runCommandLine(["capabilities", "pigeon:"])).toEqual({
      exitCode: 2,
      signal: null,
      output: "",
      errors: expect.stringMatching(new RegExp(`^error: .*"pigeon"; known are ${availableProviders.join(", ")}\\n$`)),
    });
    expect(await runCommandLine(["capabilities", kafka.url, "--topic", "missing"])).toEqual({
      exitCode: 1,
      signal: null,
      output: "",
      errors: expect.stringMatching(/^not-found: /),
    });
    expect(await runCommandLine(["capabilities", "memory:", "--yaml"])).toMatchObject({ exitCode: 2, output: "" });
  });

  test("the doctor's verdict", async () => {
    const sick = await runCommandLine(["doctor", "kafka://user:s3cret@127.0.0.1:1", "--json", "--topic", "t"]);
    expect(sick).toMatchObject({ exitCode: 1, errors: "" });
    expect(sick.output).not.toContain("s3cret");
    const findings = sick.output
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { check: string; result: string; detail: string; advice: string | null });
    expect(findings.map(({ check, result }) => `${check}: ${result}`)).toEqual([
      "versions: ok",
      "url: ok",
      "reach: failed",
      "operations: not-tried",
    ]);
    expect(findings[2]).toMatchObject({ detail: expect.stringMatching(/^unavailable: /), advice: expect.stringContaining("running") });
    expect(await runCommandLine(["doctor", "memory:d?create=t", "--topic", "t"])).toMatchObject({ exitCode: 0, errors: "" });
  });
});

describe("produce", () => {
  let topic: string;
  let env: { readonly STREAM_URL: string };

  beforeEach(async () => {
    topic = await newTopic();
    env = { STREAM_URL: kafka.url };
  });

  test("takes a file as its only argument, with the URL in STREAM_URL", async () => {
    await writeFile(join(folder, "three.jsonl"), '{"k":"a"}\n{"k":"b"}\n\n{"k":"a"}');
    const args = ["produce", "--topic", topic, "--key-field", "k", "three.jsonl"];
    expect(await runCommandLine(args, { env, cwd: folder })).toEqual({
      exitCode: 0,
      signal: null,
      output: "",
      errors: expect.stringMatching(/^3 messages stored in \d+\.\d s\n$/),
    });
    expect(await runCommandLine([...args.slice(0, -1), "four.jsonl"], { env, cwd: folder })).toMatchObject({
      exitCode: 1,
      errors: expect.stringMatching(/^not-found: cannot read "four.jsonl": ENOENT\n$/),
    });
  });

  test("a bad line ends it: how many are stored, the number of the line, what was not sent", async () => {
    const stdin = '{"key":"a","value":"1"}\n\n{"key":"a","value":"2"}\n{"key":"a"}\n{"key":"a","value":"3"}\n';
    expect(await runCommandLine(["produce", "--topic", topic], { env, stdin })).toEqual({
      exitCode: 1,
      signal: null,
      output: "",
      errors: expect.stringMatching(
        /^2 messages stored; nothing from line 4 on was sent\ninvalid-argument: line 4: the line has neither "value".*\n$/,
      ),
    });
  });

  test("a line that the provider refuses is named, and what was behind it is accounted for", async () => {
    const stdin = `one\n${"x".repeat(2_000_000)}\nthree\n`;
    const { exitCode, errors } = await runCommandLine(["produce", "--topic", topic, "--lines", "-"], { env, stdin });
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/^(1|2) messages? stored; not stored: line 2; nothing from line (3|4) on was sent\ntoo-large: line 2: .*\n$/);
  });

  test("interrupted, it stores what it has read, but no half of a line", async () => {
    const command = startCommand(["produce", "--topic", topic, "--lines"], { env });
    command.child.stdin.write("one\ntwo\nthr");
    await expect.poll(() => stored(topic), { timeout: 20_000 }).toEqual(["one", "two"]);
    command.child.kill("SIGINT");
    expect(await command.ended).toEqual({
      exitCode: 130,
      signal: null,
      output: "",
      errors: "2 messages stored; nothing from line 3 on was sent\n",
    });
    expect(await stored(topic)).toEqual(["one", "two"]);
  });
});

describe("read says why nothing came", () => {
  test.each<readonly [readonly string[], string]>([
    [["--from", "latest"], "--from latest begins behind all that is stored; --follow waits for what comes"],
    [["--from", "2999-01-01"], "--from is in the future"],
    [["--until", "2000-01-01"], "nothing is stored in this range"],
  ])("%j", async (range, reason) => {
    const topic = await newTopic();
    await connection.topic(topic, { codec: text() }).producer().send({ key: null, value: "first" });
    const read = await runCommandLine(["read", kafka.url, "--topic", topic, ...range]);
    expect(read).toEqual({ exitCode: 0, signal: null, output: "", errors: `Nothing was read: ${reason}.\n` });
  });

  test("of a topic that holds nothing", async () => {
    const read = await runCommandLine(["read", kafka.url, "--topic", await newTopic()]);
    expect(read).toMatchObject({ exitCode: 0, output: "", errors: "Nothing was read: the topic holds nothing.\n" });
  });
});

describe("places by the provider's own offset", () => {
  test("read --from and --until, --last, and groups reset --to", async () => {
    const topic = `t-${randomUUID()}`;
    await connection.admin.createTopic(topic, { partitions: 2 });
    const producer = connection.topic(topic, { codec: text() }).producer();
    for (let index = 0; index < 20; index += 1) await producer.send({ key: null, value: String(index), toPartition: String(index % 2) });
    const env = { STREAM_URL: kafka.url };
    const values = async (...args: readonly string[]): Promise<readonly string[]> => {
      const { exitCode, output, errors } = await runCommandLine(["read", "--topic", topic, ...args], { env });
      expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
      return output
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { value: string }).value)
        .toSorted();
    };
    expect(await values("--partition", "1", "--from", "offset:3", "--until", "offset:5")).toEqual(["7", "9"]);
    expect(await values("--last", "2")).toEqual(["16", "17", "18", "19"]);
    expect(await runCommandLine(["read", "--topic", topic, "--from", "offset:3"], { env })).toMatchObject({
      exitCode: 2,
      output: "",
      errors: expect.stringMatching(/^error: offset:3 is of one partition, which --partition names/),
    });
    const reset = ["groups", "reset", "--topic", topic, "--group", "g", "--to", "offset:4", "--partition", "0", "--execute"];
    expect(await runCommandLine(reset, { env })).toMatchObject({ exitCode: 0, errors: "Moved.\n" });
    expect((await runCommandLine(["groups", "describe", "--topic", topic, "--group", "g"], { env })).output).toMatch(/^0 +at 4$/m);
  });

  test("read --last goes on with --follow", async () => {
    const topic = await newTopic();
    const producer = connection.topic(topic, { codec: text() }).producer();
    for (const value of ["one", "two", "three"]) await producer.send({ key: null, value });
    const command = startCommand(["read", kafka.url, "--topic", topic, "--last", "1", "--follow"]);
    await untilPrinted(command, '"value":"three"');
    await producer.send({ key: null, value: "four" });
    await untilPrinted(command, '"value":"four"');
    command.child.kill("SIGINT");
    const { exitCode, output } = await command.ended;
    expect({ exitCode, lines: output.trimEnd().split("\n").length }).toEqual({ exitCode: 0, lines: 2 });
  });
});

test("read writes the same lines to a file as to a pipe, behind what is there", async () => {
  const topic = await newTopic();
  const values = Array.from({ length: 10_000 }, (_, index) => ({ key: null, value: `${index} ${"x".repeat(index % 300)}` }));
  await connection.topic(topic, { codec: text() }).producer().sendBatch(values);
  const piped = await runCommandLine(["read", kafka.url, "--topic", topic]);
  expect(piped.output.split("\n")).toHaveLength(values.length + 1);
  const path = join(folder, "lines.jsonl");
  await writeFile(path, "before\n");
  const file = await open(path, "a");
  const program = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");
  const child = spawn(process.execPath, [program, "read", kafka.url, "--topic", topic], { stdio: ["ignore", file.fd, "inherit"] });
  expect(await once(child, "exit")).toEqual([0, null]);
  await file.close();
  expect(await readFile(path, "utf8")).toBe(`before\n${piped.output}`);
});

describe("Ctrl-C", () => {
  test.each<readonly [number, RegExp, readonly string[]]>([
    [0, /"value":"first"/, ["read", "--follow"]],
    [0, /"value":"first"/, ["consume", "--group", "g"]],
    [130, /"value":"first"/, ["consume", "--group", "g", "--max", "2"]],
    [0, /^\d{4}-.*Z\ngroup +partition .*\n\d{4}-/, ["lag", "--watch", "--interval", "100ms"]],
  ])("ends with %d after %o: %j", async (exitCode, output, [name, ...options]) => {
    const topic = await newTopic();
    await connection.topic(topic, { codec: text() }).producer().send({ key: null, value: "first" });
    const command = startCommand([name!, kafka.url, "--topic", topic, ...options]);
    await expect.poll(command.output, { timeout: 20_000 }).toMatch(output);
    expect(command.child.exitCode).toBeNull();
    command.child.kill("SIGINT");
    expect(await command.ended).toMatchObject({ exitCode, signal: null, errors: "" });
  });

  test("once more ends at once; the same one arriving twice, as by npm, does not", async () => {
    const command = startCommand(["produce", silentUrl(), "--topic", "t", "--lines"]);
    const connected = once(silent, "connection");
    command.child.stdin.write("one\n");
    await connected;
    command.child.kill("SIGINT");
    await sleep(50);
    command.child.kill("SIGINT");
    await sleep(700);
    // It waits for what became of the line.
    expect(command.child.exitCode).toBeNull();
    const startedAtMs = performance.now();
    command.child.kill("SIGINT");
    expect(await command.ended).toMatchObject({ exitCode: 130, signal: null, output: "" });
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });

  test("SIGTERM finishes what is under way as well", async () => {
    const topic = await newTopic();
    await connection.topic(topic, { codec: text() }).producer().send({ key: null, value: "first" });
    const command = startCommand(["consume", kafka.url, "--topic", topic, "--group", "g", "--max", "2"]);
    await untilPrinted(command, '"value":"first"');
    command.child.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ exitCode: 143, signal: null, errors: "" });
  });
});

test.each<readonly [readonly string[]]>([[["capabilities", "memory:"]], [["--help"]], [["topics", "list"]]])(
  "a reader of the output that has gone ends it quietly: %j",
  async (args) => {
    await newTopic();
    const command = startCommand(args, { env: { STREAM_URL: kafka.url } });
    command.child.stdout.destroy();
    const { exitCode, signal, errors } = await command.ended;
    expect(errors).toBe("");
    expect({ exitCode, signal }).toEqual({ exitCode: 141, signal: null });
  },
);
