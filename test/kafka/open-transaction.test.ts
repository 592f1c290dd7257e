import { randomUUID } from "node:crypto";
import { Kafka, type Producer, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, connect, text } from "../../src/index.ts";
import { until } from "./group-watch.ts";

const missing = kafkaRequirements();
const START_TIMEOUT_MS = 120_000;
/** A message that is delivered too early comes within this time. */
const QUIET_MS = 500;

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("a transaction that is open on a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin" | "lagInMessages">;
  let foreign: Producer;

  beforeAll(async () => {
    cluster = await startKafka();
    connection = await connect(cluster.url, { require: ["topicAdmin", "lagInMessages"] });
    const kafka = new Kafka({ brokers: cluster.bootstrapServers.split(","), logLevel: logLevel.NOTHING });
    foreign = kafka.producer({ transactionalId: randomUUID(), idempotent: true, maxInFlightRequests: 1 });
    await foreign.connect();
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await foreign.disconnect();
    await connection.close();
    await cluster.stop();
  });

  /** Stores "before", then an open transaction of "first" and "second", then "behind", which cannot be read yet. */
  async function openTransaction() {
    const name = `open-${randomUUID()}`;
    await connection.admin.createTopic(name, { partitions: 1 });
    const topic = connection.topic(name, { codec: text() });
    const producer = topic.producer();
    await producer.send({ key: "k", value: "before" });
    const transaction = await foreign.transaction();
    await transaction.send({ topic: name, messages: ["first", "second"].map((value) => ({ key: "k", value })) });
    const behind = await producer.send({ key: "k", value: "behind" });
    const readOf = async (reader: AsyncIterable<{ readonly value: string }>): Promise<string[]> => {
      const values: string[] = [];
      for await (const { value } of reader) values.push(value);
      return values;
    };
    return { name, topic, transaction, behind, readOf };
  }

  test("ends a range before it; after the commit, the bookmark of the range continues with the rest", async () => {
    const { topic, transaction, readOf } = await openTransaction();
    const range = topic.reader({ until: "now" });
    expect(await readOf(range)).toEqual(["before"]);
    const bookmark = await range.bookmark();
    await transaction.commit();
    const rest = () => readOf(topic.reader({ from: { bookmark }, until: "now" }));
    // The server answers a commit before the partitions have its markers.
    await until(async () => (await rest()).length > 0, "the partition has the markers of the commit");
    expect(await rest()).toEqual(["first", "second", "behind"]);
  });

  test("delays a reader without an end, and refuses one that would end after it, until it is committed or aborted", async () => {
    const { topic, transaction, behind, readOf } = await openTransaction();
    const endless = topic.reader();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { value } of endless) seen.push(value);
    })();
    await until(() => seen.length === 1, "the message before the transaction");
    // Stored, but after the last stable offset, where ranges end.
    const through = { partitions: ["0"], until: { through: behind.position! } };
    await expect(readOf(topic.reader(through))).rejects.toMatchObject({ code: "position-out-of-range" });
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    expect(seen).toEqual(["before"]);
    await transaction.commit();
    await until(() => seen.length === 4, "the messages in the transaction and after it");
    expect(seen).toEqual(["before", "first", "second", "behind"]);
    expect(await readOf(topic.reader(through))).toEqual(seen);
    await endless.close();
    await reading;
  });

  test.each(["commit", "abort"] as const)("delays a group until its %s, and no longer", async (end) => {
    const { name, topic, transaction } = await openTransaction();
    const handled: string[] = [];
    const consumer = topic.consumer({ group: "waiting", commit: { everyMs: 20 } });
    const running = consumer.run(({ value }) => handled.push(value));
    await until(() => handled.length === 1, "the message before the transaction");
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    expect(handled).toEqual(["before"]);
    await transaction[end]();
    const expected = end === "commit" ? ["before", "first", "second", "behind"] : ["before", "behind"];
    await until(() => handled.length === expected.length, "the messages after the transaction");
    expect(handled).toEqual(expected);
    await until(async () => (await connection.admin.lag(name, "waiting")).messages === 0, "no lag");
    await consumer.close();
    await running;
  });
});
