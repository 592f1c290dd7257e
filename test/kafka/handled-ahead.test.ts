import { randomUUID } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { kcatRequirements, runKafkaTool, runKcat } from "../../localstack/kafka/kafka-tools.ts";
import { type Connection, type ConsumerOptions, connect, json } from "../../src/index.ts";
import { until } from "./group-watch.ts";

// What is handled ahead of a group's offset is in the metadata of its commits. Servers bound it, and other clients read and replace it.

const missing = kafkaRequirements();
const missingKcat = kcatRequirements();
const START_TIMEOUT_MS = 120_000;
const TOOLS_TIMEOUT_MS = 120_000;
const GROUP = "workers";

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

type Granted = "topicAdmin" | "groupAdmin" | "groupReset" | "lagInMessages";

/** A topic of one partition with numbered messages, each with its own key. */
async function newTopic(connection: Connection<Granted>, count: number): Promise<string> {
  const name = `orders-${randomUUID()}`;
  await connection.admin.createTopic(name, { partitions: 1 });
  await using producer = connection.topic(name, { codec: json<number>() }).producer();
  await producer.sendBatch(Array.from({ length: count }, (_, index) => ({ key: String(index), value: index })));
  return name;
}

/**
 * Runs a member until every handler has begun, and closes it. The handlers of some messages do not end by themselves.
 * @returns the messages that handlers began, in order
 */
async function handle(
  connection: Connection,
  topic: string,
  expected: number,
  isHeld: (value: number) => boolean = () => false,
  options: Partial<ConsumerOptions> = {},
): Promise<readonly number[]> {
  const begun: number[] = [];
  let resolved = 0;
  const settings = { group: GROUP, concurrency: 5_000, commit: { everyMs: 50 }, sessionTimeoutMs: 2_000, ...options };
  const consumer = connection.topic(topic, { codec: json<number>() }).consumer(settings);
  const running = consumer.run(async ({ value }, { signal }) => {
    begun.push(value);
    if (isHeld(value)) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    resolved += 1;
  });
  try {
    await until(
      () => begun.length >= expected && resolved >= begun.filter((value) => !isHeld(value)).length,
      `${expected} handlers`,
      30_000,
    );
  } finally {
    await consumer.close({ timeoutMs: 3_000 });
    await running;
  }
  return begun;
}

const isOdd = (value: number): boolean => value % 2 === 1;

describe.each(missing === null ? [64, 300] : [])("a real Kafka with offset.metadata.max.bytes=%i", (bytes) => {
  let cluster: KafkaCluster;
  let connection: Connection<Granted>;

  beforeAll(async () => {
    cluster = await startKafka({ properties: { "offset.metadata.max.bytes": String(bytes) } });
    connection = await connect(cluster.url, { require: ["topicAdmin", "groupAdmin", "groupReset", "lagInMessages"] });
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  test("commits go on, and repeat only what does not fit", { timeout: 120_000 }, async () => {
    const count = 3_000;
    const topic = await newTopic(connection, count);
    const isHeld = (value: number): boolean => !isOdd(value);
    expect(await handle(connection, topic, count, isHeld)).toHaveLength(count);
    const lag = await connection.admin.lag(topic, GROUP);
    const again = await handle(connection, topic, lag.messages!);
    // Nothing is lost: every message whose handler did not end comes again.
    expect(again.filter(isHeld)).toEqual(Array.from({ length: count / 2 }, (_, index) => index * 2));
    // An order of handled and unfinished messages that changes with each takes six offsets a byte.
    const repeated = again.filter(isOdd);
    if (bytes === 64) expect(repeated).toHaveLength(count / 2);
    else expect(Math.min(...repeated)).toBeGreaterThan(500);
    expect(lag.messages).toBe(again.length);
    expect(await connection.admin.lag(topic, GROUP)).toMatchObject({ messages: 0 });
  });
});

describe.each(missing === null ? ["Kafka"] : [])("other clients of a group, on a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<Granted>;

  beforeAll(async () => {
    cluster = await startKafka();
    connection = await connect(cluster.url, { require: ["topicAdmin", "groupAdmin", "groupReset", "lagInMessages"] });
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  /** Of 40 messages the first ten and all odd ones are handled. */
  async function handledHalf(): Promise<string> {
    const topic = await newTopic(connection, 40);
    await handle(connection, topic, 40, (value) => value >= 10 && !isOdd(value));
    return topic;
  }

  const fromTen = Array.from({ length: 30 }, (_, index) => index + 10);

  test("with the server's default bound only what was not handled comes again", { timeout: 60_000 }, async () => {
    const topic = await handledHalf();
    expect(await connection.admin.lag(topic, GROUP)).toMatchObject({ messages: 15 });
    expect(await handle(connection, topic, 15)).toEqual(fromTen.filter((value) => !isOdd(value)));
  });

  test("Java's group tool shows the group, and its reset drops what was handled ahead", { timeout: TOOLS_TIMEOUT_MS }, async () => {
    const topic = await handledHalf();
    const native = ["--group", `${topic}.${GROUP}`];
    const { stdout } = await runKafkaTool(cluster, "consumerGroups", ["--describe", ...native]);
    // Topic, partition, offset, end, lag.
    expect(stdout).toMatch(new RegExp(`${topic} +0 +10 +40 +30 `));
    const reset = ["--reset-offsets", "--to-offset", "10", "--topic", topic, "--execute"];
    await runKafkaTool(cluster, "consumerGroups", [...reset, ...native]);
    expect(await handle(connection, topic, 30)).toEqual(fromTen);
  });

  test("another client's commit of any metadata counts, also of the same offset", { timeout: 60_000 }, async () => {
    const topic = await handledHalf();
    const kafka = new Kafka({ clientId: "others", brokers: cluster.bootstrapServers.split(","), logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: `${topic}.${GROUP}`, sessionTimeout: 6_000, rebalanceTimeout: 3_000 });
    await consumer.connect();
    await consumer.subscribe({ topic });
    const first = Promise.withResolvers<string>();
    await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => first.resolve(message.offset) });
    // It starts at the committed offset, whatever the metadata is.
    expect(await first.promise).toBe("10");
    await consumer.commitOffsets([{ topic, partition: 0, offset: "10", metadata: "streamport topic of mine: ü" }]);
    await consumer.disconnect();
    expect(await handle(connection, topic, 30)).toEqual(fromTen);
  });

  test.each(missingKcat === null ? ["kcat"] : [])(
    "%s reads the group from its offset, and commits over it",
    { timeout: 60_000 },
    async () => {
      const topic = await handledHalf();
      const args = ["-G", `${topic}.${GROUP}`, "-c", "5", "-X", "auto.offset.reset=error", topic];
      const { stdout } = await runKcat(cluster, args);
      expect(stdout.trim().split("\n").map(Number)).toEqual([10, 11, 12, 13, 14]);
      expect(await handle(connection, topic, 25)).toEqual(fromTen.slice(5));
    },
  );

  test("a reset of the group drops what was handled ahead", { timeout: 60_000 }, async () => {
    const topic = await handledHalf();
    await connection.admin.resetGroup(topic, GROUP, "earliest");
    expect(await handle(connection, topic, 40)).toHaveLength(40);
  });
});
