import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { kcatRequirements, runKafkaTool, runKcat } from "../../localstack/kafka/kafka-tools.ts";
import { type Connection, connect, text } from "../../src/index.ts";
import { type SeenRecord, seenByJava, seenByKcat, seenByStreamport } from "./foreign-views.ts";
import { until } from "./group-watch.ts";

// Tests of Java's partitions for 1,000 keys, and of each codec, are in adapter-records.test.ts.
const missing = kafkaRequirements();
const missingKcat = kcatRequirements();
const START_TIMEOUT_MS = 120_000;
const TOOLS_TIMEOUT_MS = 90_000;

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
describe.each(missing === null ? [] : [missing])("Java's clients, kcat and streamport on a real Kafka", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(startKafka()).rejects.toThrow(reason);
  });
});

describe.each(missingKcat === null ? [] : [missingKcat])("kcat on a real Kafka", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(runKcat({ bootstrapServers: "127.0.0.1:1" }, ["-L"])).rejects.toThrow(reason);
  });
});

describe.each(missing === null ? ["Kafka"] : [])("foreign clients on a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin">;

  beforeAll(async () => {
    cluster = await startKafka();
    connection = await connect(cluster.url, { require: ["topicAdmin"] });
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  async function newTopic(): Promise<string> {
    const name = `foreign-${randomUUID()}`;
    await connection.admin.createTopic(name, { partitions: 3 });
    return name;
  }

  /** Writes records with every kind of content with streamport. @returns the expected view of another client */
  async function writeByStreamport(name: string): Promise<SeenRecord[]> {
    const topic = connection.topic(name, { codec: text(), tombstones: true });
    const hourAgo = Date.now() - 3_600_000;
    const messages = [
      ...Array.from({ length: 30 }, (_, index) => ({
        key: `ключ ${index % 11}`,
        value: `value ${index} ä€😀`,
        headers: { z: String(index), a: "ä", empty: "" },
        producedAt: hourAgo + index,
      })),
      { key: "plain", value: "no headers", producedAt: hourAgo },
      { key: "gone", value: null, headers: { why: "deleted" }, producedAt: hourAgo },
      { key: null, value: "of no key", toPartition: "2", producedAt: hourAgo },
      { key: "plain", value: "", toPartition: "0", producedAt: hourAgo },
    ];
    const receipts = await topic.producer().sendBatch(messages);
    const written = messages.map(({ key, value, headers, producedAt }: (typeof messages)[number] & { headers?: object }, index) => ({
      partition: receipts[index]!.partition!,
      timestampMs: producedAt,
      headers: Object.entries(headers ?? {}),
      key,
      value,
    }));
    return written.toSorted((a, b) => Number(a.partition) - Number(b.partition));
  }

  test("Java's console consumer reads the records of streamport", { timeout: TOOLS_TIMEOUT_MS }, async () => {
    const name = await newTopic();
    const written = await writeByStreamport(name);
    expect(new Set(written.map(({ partition }) => partition)).size).toBe(3);
    expect(await seenByJava(cluster, name, written.length)).toEqual(written);
    expect(await seenByStreamport(connection, name)).toEqual(written);
  });

  test(
    "streamport reads the records of Java's console producer, with repeated headers in their order",
    { timeout: TOOLS_TIMEOUT_MS },
    async () => {
      const name = await newTopic();
      const lines = Array.from({ length: 50 }, (_, index) => `b:1,a:${index},b:ä,a:\tkey ${index % 9}\tvalue ${index} €`);
      const properties = ["parse.key=true", "parse.headers=true"].flatMap((property) => ["--property", property]);
      await runKafkaTool(cluster, "consoleProducer", ["--topic", name, ...properties], { stdin: `${lines.join("\n")}\n` });
      const seen = await seenByStreamport(connection, name);
      const line = ({ headers, key, value }: SeenRecord) => `${headers.map(([name, text]) => `${name}:${text}`).join()}\t${key}\t${value}`;
      expect(new Set(seen.map(line))).toEqual(new Set(lines));
      expect(seen).toEqual(await seenByJava(cluster, name, lines.length));
    },
  );

  describe.each(missingKcat === null ? ["kcat"] : [])("%s", () => {
    test("reads the records of streamport", { timeout: TOOLS_TIMEOUT_MS }, async () => {
      const name = await newTopic();
      const written = await writeByStreamport(name);
      expect(await seenByKcat(cluster, name)).toEqual(written);
    });

    test("is read by streamport, and with Java's partitioner chooses the same partitions", { timeout: TOOLS_TIMEOUT_MS }, async () => {
      const name = await newTopic();
      const keys = Array.from({ length: 40 }, (_, index) => `ключ ${index}`);
      const headers = ["b=1", "a=2", "b=ä", "empty="].flatMap((header) => ["-H", header]);
      const args = ["-P", "-t", name, "-K", "\t", "-X", "topic.partitioner=murmur2_random", ...headers];
      await runKcat(cluster, args, { stdin: keys.map((key) => `${key}\tof ${key}\n`).join("") });
      await runKcat(cluster, ["-P", "-t", name, "-p", "1", "-Z", "-K", "\t"], { stdin: "gone\t\n" });
      const seen = await seenByStreamport(connection, name);
      expect(seen).toEqual(await seenByKcat(cluster, name));
      expect(seen).toHaveLength(41);
      expect(seen).toContainEqual({ partition: "1", timestampMs: expect.any(Number), headers: [], key: "gone", value: null });
      const ofKeys = seen.filter(({ key }) => key !== "gone");
      for (const { headers: found } of ofKeys) expect(found.map((pair) => pair.join("="))).toEqual(["b=1", "a=2", "b=ä", "empty="]);
      const receipts = await connection
        .topic(name, { codec: text() })
        .producer()
        .sendBatch(keys.map((key) => ({ key, value: "ours" })));
      const ours = new Map(keys.map((key, index) => [key, receipts[index]!.partition]));
      expect(new Map(ofKeys.map(({ key, partition }) => [key, partition]))).toEqual(ours);
    });

    test("reads repeated headers in records that streamport copies", { timeout: TOOLS_TIMEOUT_MS }, async () => {
      const [name, deadLetters] = [await newTopic(), await newTopic()];
      await runKcat(cluster, ["-P", "-t", name, "-K", "\t", "-H", "b=1", "-H", "a=2", "-H", "b=3"], { stdin: "key\tvalue\n" });
      const consumer = connection
        .topic(name, { codec: text() })
        .consumer({ group: "failing", retry: { maxAttempts: 1 }, onFailure: { deadLetter: deadLetters } });
      const running = consumer.run(() => {
        throw new Error("never handled");
      });
      await until(async () => (await seenByStreamport(connection, deadLetters)).length === 1, "a dead letter");
      await consumer.close();
      await running;
      const [passedOn] = await seenByKcat(cluster, deadLetters);
      expect(passedOn).toMatchObject({ key: "key", value: "value" });
      expect(passedOn!.headers.slice(0, 3)).toEqual([
        ["b", "1"],
        ["a", "2"],
        ["b", "3"],
      ]);
      expect(passedOn!.headers.slice(3).every(([header]) => header.startsWith("streamport-"))).toBe(true);
    });
  });
});
