import { spawn } from "node:child_process";
import { text as readText } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { startEmulatedKinesis } from "../../localstack/kinesis/emulated-kinesis.ts";
import { bytes, connect } from "../../src/index.ts";
import { pythonFolder, pythonRequirements } from "./fetched-packages.ts";

const SCRIPT = fileURLToPath(new URL("kinesis-raw.py", import.meta.url));
const BOTO3 = "boto3==1.43.11";
const missing = pythonRequirements();

type Pair = readonly [key: string, base64: string];

/** Among them bytes that are no text, an empty value, and what a frame and an aggregate begin with. */
const VALUES = ["text", "", "schlüssel €", "\u0000\u0001"].map((value) => Buffer.from(value));
VALUES.push(Buffer.from("f7535046ff00", "hex"), Buffer.from("f3899ac2ff00", "hex"), Buffer.alloc(100_000, 0xfe));
const pairsOf = (who: string): readonly Pair[] =>
  VALUES.flatMap((value) => ["a", "ключ"].map((key): Pair => [`${who}-${key}`, value.toString("base64")]));
const byKey = (pairs: readonly Pair[]): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries([...Map.groupBy(pairs, ([key]) => key)].map(([key, found]) => [key, found.map(([, value]) => value)]));

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
describe.each(missing === null ? [] : [missing])("raw records between streamport and Amazon's client in Python", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(pythonFolder([BOTO3])).rejects.toThrow("could not fetch");
  });
});

test.each(missing === null ? [BOTO3] : [])(
  "raw records of streamport are read by %s as they are, each key in order, and the reverse",
  async (requirement) => {
    const packages = await pythonFolder([requirement]);
    await using emulator = await startEmulatedKinesis({ topics: { orders: { partitions: 2 } } });
    await using connection = await connect(`${emulator.url}&envelope.orders=raw`);
    const topic = connection.topic("orders", { codec: bytes() });
    const producer = topic.producer();
    const ours = pairsOf("ours");
    await Promise.all(ours.map(async ([key, value]) => producer.send({ key, value: Buffer.from(value, "base64") })));

    const theirs = pairsOf("theirs");
    const python = spawn("python3", [SCRIPT, emulator.endpoint, "orders"], {
      env: { ...process.env, PYTHONPATH: packages },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => void python.once("close", resolve));
    python.stdin.end(JSON.stringify(theirs));
    const printed = JSON.parse(await readText(python.stdout)) as readonly (readonly Pair[])[];
    expect(await ended).toBe(0);
    expect(byKey(printed.flat())).toEqual(byKey(ours));

    const found: Pair[] = [];
    for await (const { key, value } of topic.reader({ until: "now" })) found.push([String(key), Buffer.from(value).toString("base64")]);
    expect(byKey(found)).toEqual(byKey([...ours, ...theirs]));
  },
);
