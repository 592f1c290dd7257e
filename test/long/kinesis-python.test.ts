import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as later } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "../../localstack/kafka/program.ts";
import { type EmulatedKinesis, startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { freePort } from "../free-port.ts";
import { npmFolder, pythonFolder, pythonRequirements } from "./fetched-packages.ts";

// Amazon's client in Python on the emulated Kinesis, and on the emulators of others: where they differ, the documentation decides.

const SCRIPT = fileURLToPath(new URL("kinesis-client.py", import.meta.url));
const BOTO3 = "boto3==1.43.11";
const MOTO = "moto[server]==5.2.1";
const KINESIS_LOCAL = "kinesis-local@0.6.2";
const missing = pythonRequirements();

type Seen = Readonly<Record<string, unknown>>;
const refused = (name: string): readonly [number, string] => [400, name];
const INVALID = refused("InvalidArgumentException");
const idsOf = (...shards: readonly number[]): readonly string[] => shards.map((shard) => `shardId-00000000000${shard}`);
const inOrder = (key: number): readonly number[] => [0, 5, 10, 15].map((count) => count + key);

const EXPECTED: Seen = {
  stored: [0, 20],
  "routed by MD5": true,
  read: Object.fromEntries([0, 1, 2, 3, 4].map((key) => [`key-${key}`, inOrder(key)])),
  rising: true,
  "at a number": true,
  "after a number": true,
  "after the last number": [],
  "at the starting number of the shard": true,
  "a number of another shard": INVALID,
  "no number": INVALID,
  "at an early time": true,
  "at a time to come": INVALID,
  latest: [true, true],
  "bounded by Limit": [3, true],
  "a bad iterator": INVALID,
  "a missing shard": refused("ResourceNotFoundException"),
  "a missing stream": refused("ResourceNotFoundException"),
  "501 records": refused("ValidationException"),
  "too large": INVALID,
  "an explicit hash key": true,
  split: [
    [null, true],
    [null, false],
    ["shardId-000000000000", false],
    ["shardId-000000000000", false],
  ],
  "the end of a closed shard": [null, idsOf(2, 3).map((child) => [child, idsOf(0)])],
  merge: idsOf(4, 2, 3),
  "a merge of closed shards": INVALID,
  "open shards": idsOf(1, 4),
  "shards at the horizon": idsOf(0, 1),
  scaled: [2, 4, 4],
  "scaled too far": INVALID,
  "pages of shards": true,
  retention: 48,
  "a shorter retention by the call for a longer one": INVALID,
  "created twice": refused("ResourceInUseException"),
  "on demand": 4,
  "an on-demand stream is not scaled": refused("ValidationException"),
  listed: ["demand", "flights"],
  deleted: ["demand"],
  taken: "one",
  "taken twice": refused("ConditionalCheckFailedException"),
};

/** Each contradicts the API reference, except `too large`: there it names no error. */
const OF_MOTO: Seen = {
  "a number of another shard": expect.any(Array),
  "no number": expect.any(Array),
  "at a time to come": [],
  "a bad iterator": [500, "500"],
  "too large": refused("ValidationException"),
  "the end of a closed shard": [expect.any(String), []],
  "a merge of closed shards": null,
  "open shards": idsOf(0, 1, 2, 3, 4, 5),
  "shards at the horizon": idsOf(0, 1, 2, 3, 4, 5),
  scaled: [2, 4, 10],
  "scaled too far": 9,
  "pages of shards": refused("InvalidToken"),
};

/** Each contradicts the API reference, except `too large` and `a merge of closed shards`: there it names no error. */
const OF_KINESIS_LOCAL: Seen = {
  "a number of another shard": refused("ResourceNotFoundException"),
  "no number": refused("ResourceNotFoundException"),
  "a bad iterator": [500, "500"],
  "501 records": 0,
  "too large": 1,
  "a merge of closed shards": refused("ResourceInUseException"),
  "shards at the horizon": idsOf(0, 1, 2, 3, 4),
  "an on-demand stream is not scaled": 8,
};

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
describe.each(missing === null ? [] : [missing])("Amazon's client in Python on the emulated Kinesis", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(pythonFolder([BOTO3])).rejects.toThrow("could not fetch");
  });
});

describe.each(missing === null ? [BOTO3] : [])("%s, Amazon's client in Python", (requirement) => {
  const started: ChildProcess[] = [];
  let packages: string;
  let emulator: EmulatedKinesis;

  beforeAll(async () => {
    packages = await pythonFolder([requirement]);
    emulator = await startEmulatedKinesis();
  }, 600_000);

  afterAll(async () => {
    for (const child of started) child.kill("SIGKILL");
    await emulator.close();
  });

  async function seenOn(kinesis: string, dynamo: string): Promise<Seen> {
    const { stdout } = await runProgram("env", [`PYTHONPATH=${packages}`, "python3", SCRIPT, kinesis, dynamo], { timeoutMs: 120_000 });
    return JSON.parse(stdout) as Seen;
  }

  /** @returns the endpoint, once it answers */
  async function startOther(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    port: number,
  ): Promise<string> {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: "ignore" });
    started.push(child);
    const endpoint = `http://127.0.0.1:${port}`;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`${command} ${args.join(" ")} ended with ${child.exitCode}`);
      const isReady = await fetch(endpoint).then(
        () => true,
        () => false,
      );
      if (isReady) return endpoint;
      await later(100);
    }
  }

  test("does all its work on the emulated Kinesis", async () => {
    expect(await seenOn(emulator.endpoint, emulator.endpoint)).toEqual(EXPECTED);
  });

  test(`sees the same on ${MOTO}, but for what moto does not keep to`, async () => {
    const port = await freePort();
    const moto = await pythonFolder([MOTO]);
    const env = { PYTHONPATH: moto, AWS_DEFAULT_REGION: "us-east-1" };
    const endpoint = await startOther("python3", ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], env, port);
    expect(await seenOn(endpoint, endpoint)).toEqual({ ...EXPECTED, ...OF_MOTO });
  });

  test(`sees the same on ${KINESIS_LOCAL}, but for what it does not keep to`, async () => {
    await using tables = await startEmulatedKinesis();
    const [port, tlsPort] = [await freePort(), await freePort()];
    const folder = join(await npmFolder([KINESIS_LOCAL]), "node_modules", "kinesis-local");
    const env = {
      KINESIS_MOCK_CERT_PATH: join(folder, "server.json"),
      KINESIS_MOCK_PLAIN_PORT: String(port),
      KINESIS_MOCK_TLS_PORT: String(tlsPort),
      LOG_LEVEL: "ERROR",
    };
    const endpoint = await startOther(process.execPath, [join(folder, "main.js")], env, port);
    expect(await seenOn(endpoint, tables.endpoint)).toEqual({ ...EXPECTED, ...OF_KINESIS_LOCAL });
  });
});
