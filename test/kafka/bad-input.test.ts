import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafka } from "../../adapters/kafka/index.ts";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { runKafkaTool } from "../../localstack/kafka/kafka-tools.ts";
import { runProgram } from "../../localstack/kafka/program.ts";
import { type Connection, type RetryEvent, connect, isStreamError, text } from "../../src/index.ts";
import { until } from "./group-watch.ts";
import { NamedBrokers } from "./named-brokers.ts";

// Tests of wrong passwords, and of TLS to a plain-text port, are in adapter-security.test.ts; of missing permissions in adapter-permissions.test.ts.
const missing = kafkaRequirements();
const START_TIMEOUT_MS = 120_000;
const MOST_MS = 5_000;
const SOURCES = join(import.meta.dirname, "..", "..");

/** @returns the code and the message of the rejection of a call, within the time limit */
async function refusal(call: () => Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  const startedAtMs = performance.now();
  try {
    await call();
  } catch (error) {
    expect(performance.now() - startedAtMs).toBeLessThan(MOST_MS);
    if (isStreamError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("the call was not refused");
}

async function readAll(reader: AsyncIterable<{ readonly value: string }>): Promise<string[]> {
  const values: string[] = [];
  for await (const { value } of reader) values.push(value);
  return values;
}

/** All operations of an application on a topic, by name. */
function uses(connection: Connection, name: string): readonly (readonly [string, () => Promise<unknown>])[] {
  const topic = connection.topic(name, { codec: text() });
  return [
    ["send", async () => topic.producer().send({ key: "k", value: "v" })],
    ["read", async () => topic.reader({ until: "now" })[Symbol.asyncIterator]().next()],
    ["consume", async () => topic.consumer({ group: "g" }).run(() => undefined)],
    ["describe", async () => connection.admin.describeTopic(name)],
    ["capabilities", async () => topic.capabilities()],
  ];
}

/** It may be a typing error, or a host that does not run yet. */
async function expectRetried(connection: Connection, address: string): Promise<void> {
  const message = expect.stringMatching(
    new RegExp(`${address.replaceAll(".", "\\.")} \\((?:ENOTFOUND|EAI_AGAIN): the name of the host is not known\\)`),
  );
  const { error } = await connection.check();
  expect(error).toMatchObject({ code: "unavailable", retryable: true, message });
  const retried = new Set<string>();
  const listen = (event: unknown): void => {
    const { operation, error: failure } = event as RetryEvent;
    expect(failure).toMatchObject({ code: "unavailable", message });
    retried.add(operation);
  };
  subscribe("streamport:retry", listen);
  const settled: string[] = [];
  const calls = uses(connection, "orders").map(async ([name, call]) => {
    await call().catch(() => undefined);
    settled.push(name);
  });
  // Each of the five calls is retried, and reports this with its own operation.
  await until(() => retried.size === calls.length, "all calls retried");
  expect(settled).toEqual([]);
  unsubscribe("streamport:retry", listen);
  await connection.close({ timeoutMs: 100 });
  await Promise.all(calls);
}

test("a connection to a host that does not exist is retried in every operation, and check reports it at once", async () => {
  await using connection = await connect("kafka://no-such-host.invalid:9092");
  await expectRetried(connection, "no-such-host.invalid:9092");
});

test("a connection to a host whose name cannot be looked up is retried in every operation, and check reports it at once", async () => {
  const names = new NamedBrokers();
  // The answer of a resolver without a server.
  names.answer = "EAI_AGAIN";
  await using connection = await connect(kafka({ brokers: ["127.0.0.1:9"], kafkajs: { socketFactory: names.socketFactory } }));
  await expectRetried(connection, "127.0.0.1:9");
});

test("a broker whose host does not exist does not prevent retries with the other brokers", async () => {
  const [unknown, refusing] = ["no-such-host.invalid:9092", "127.0.0.1:1"];
  for (const brokers of [
    [unknown, refusing],
    [refusing, unknown],
  ]) {
    await using connection = await connect(kafka({ brokers }));
    expect((await connection.check()).error).toMatchObject({ code: "unavailable", retryable: true });
  }
});

test("without kafkajs: configuration, and the error says what to install, by URL and by factory", { timeout: 30_000 }, async () => {
  // A separate program, which does not find the package.
  const program = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve(specifier, context, next) {
        if (!specifier.startsWith("kafkajs")) return next(specifier, context);
        throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
      },
    });
    const { connect } = await import(${JSON.stringify(join(SOURCES, "src", "index.ts"))});
    const { kafka } = await import(${JSON.stringify(join(SOURCES, "adapters", "kafka", "index.ts"))});
    const printError = ({ code, message }) => console.log(code + ": " + message);
    await connect("kafka://127.0.0.1:1").catch(printError);
    const connection = await connect(kafka({ brokers: ["127.0.0.1:1"] }));
    printError((await connection.check()).error);
    await connection.close();
  `;
  const { stdout } = await runProgram(process.execPath, ["--input-type=module", "--eval", program], { timeoutMs: 20_000 });
  const lines = stdout.trim().split("\n");
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).toMatch(/^configuration: .*npm install kafkajs@2\.2\.4/);
});

test.each([
  ["kafka://", "no broker"],
  ["kafka://host:port", "a port that is none"],
  ["kafka://host:9092?acks=0", "an unknown setting"],
  ["kafka://host:9092?compression=brotli", "an unknown compression"],
])("%s, %s, is refused by connect", async (url) => {
  expect(await refusal(async () => connect(url))).toMatchObject({ code: "configuration" });
});

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("bad input to a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin" | "topicListing" | "lagInMessages">;

  beforeAll(async () => {
    cluster = await startKafka();
    connection = await connect(kafka({ brokers: cluster.bootstrapServers.split(",") }), {
      require: ["topicAdmin", "topicListing", "lagInMessages"],
    });
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  async function newTopic(): Promise<string> {
    const name = `bad-${randomUUID()}`;
    await connection.admin.createTopic(name, { partitions: 1 });
    return name;
  }

  test("a topic that does not exist is not-found in every operation, and is not created", async () => {
    const name = `never-${randomUUID()}`;
    for (const [, call] of uses(connection, name)) expect(await refusal(call)).toMatchObject({ code: "not-found" });
    expect(await connection.admin.listTopics()).not.toContain(name);
  });

  /** By Java's producer, in one batch, with headers: `NULL` is a header without a value. */
  async function writeByJava(name: string, codec: string, values: readonly string[]): Promise<void> {
    const properties = ["parse.key=true", "parse.headers=true", "null.marker=NULL"].flatMap((property) => ["--property", property]);
    const batching = ["--compression-codec", codec, "--timeout", "500"];
    const lines = values.map((value) => `${value === "bad" ? "empty:NULL" : "header:value"}\tk\t${value}\n`);
    await runKafkaTool(cluster, "consoleProducer", ["--topic", name, ...batching, ...properties], { stdin: lines.join("") });
  }

  test.each(["none", "gzip", "snappy", "lz4", "zstd"])(
    "a header without a value (%s) is delivered, and a dead letter keeps it",
    async (codec) => {
      const name = await newTopic();
      const failed = await newTopic();
      const topic = connection.topic(name, { codec: text() });
      await writeByJava(name, codec, ["first", "bad", "behind"]);
      expect(await readAll(topic.reader({ until: "now" }))).toEqual(["first", "bad", "behind"]);
      const consumer = topic.consumer({ group: "g", retry: { maxAttempts: 1 }, onFailure: { deadLetter: failed } });
      const handled: string[] = [];
      const seen: unknown[] = [];
      await consumer.run(({ value, headers, raw }) => {
        if (value === "bad") {
          seen.push({ ...headers }, raw.headers);
          throw new Error("not this one");
        }
        handled.push(value);
        if (value === "behind") void consumer.close();
      });
      expect(handled).toEqual(["first", "behind"]);
      expect(seen).toEqual([{}, [["empty", null]]]);
      const letters = [];
      for await (const letter of connection.topic(failed, { codec: text() }).reader({ until: "now" })) letters.push(letter);
      expect(letters.map(({ value }) => value)).toEqual(["bad"]);
      expect(letters[0]!.raw.headers[0]).toEqual(["empty", null]);
    },
  );

  test("a partition that does not exist is refused, and the error names those that do", async () => {
    const name = await newTopic();
    const topic = connection.topic(name, { codec: text() });
    const refused = { code: "invalid-argument", message: expect.stringContaining('"0"') };
    expect(await refusal(async () => topic.producer().send({ key: "k", value: "v", toPartition: "1" }))).toMatchObject(refused);
    expect(await refusal(async () => readAll(topic.reader({ partitions: ["1"], until: "now" })))).toMatchObject(refused);
  });

  test("a record over max.message.bytes is too large, also if the limit was lowered while the producer ran", async () => {
    const name = await newTopic();
    const producer = connection.topic(name, { codec: text() }).producer();
    const send = (length: number) => async () => producer.send({ key: "k", value: "v".repeat(length) });
    expect(await refusal(send(2_000_000))).toMatchObject({ code: "too-large" });
    await send(5_000)();
    const lower = ["--alter", "--entity-type", "topics", "--entity-name", name, "--add-config", "max.message.bytes=1000"];
    await runKafkaTool(cluster, "configs", lower);
    expect(await refusal(send(5_000))).toMatchObject({ code: "too-large" });
    await send(500)();
  });

  test("a header that is null is refused before anything is sent", async () => {
    const name = await newTopic();
    const topic = connection.topic(name, { codec: text() });
    // JavaScript callers can pass any value: JSON.parse has no types.
    const headers = JSON.parse('{ "empty": null }') as Record<string, string>;
    const send = async () => topic.producer().send({ key: "k", value: "v", headers });
    expect(await refusal(send)).toMatchObject({ code: "invalid-argument" });
  });
});
