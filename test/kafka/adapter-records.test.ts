import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaOptions, kafka } from "../../adapters/kafka/index.ts";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { runKafkaTool } from "../../localstack/kafka/kafka-tools.ts";
import { type Message, bytes, connect, text } from "../../src/index.ts";

const missing = kafkaRequirements();
const START_TIMEOUT_MS = 120_000;
const TOOL_TIMEOUT_MS = 60_000;

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("records on a real %s", () => {
  let cluster: KafkaCluster;
  let topics = 0;

  beforeAll(async () => {
    cluster = await startKafka();
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await cluster.stop();
  });

  const open = (options: Partial<KafkaOptions> = {}) =>
    connect(kafka({ brokers: cluster.bootstrapServers.split(","), ...options }), { require: ["topicAdmin"] });

  async function newTopic(partitions: number, ...settings: readonly string[]): Promise<string> {
    topics += 1;
    const name = `records-${topics}`;
    const config = settings.flatMap((setting) => ["--config", setting]);
    if (settings.length > 0) {
      await runKafkaTool(cluster, "topics", ["--create", "--topic", name, "--partitions", String(partitions), ...config]);
      return name;
    }
    await using connection = await open();
    await connection.admin.createTopic(name, { partitions });
    return name;
  }

  async function readAll<T>(messages: AsyncIterable<Message<T>>): Promise<Message<T>[]> {
    const all: Message<T>[] = [];
    for await (const message of messages) all.push(message);
    return all;
  }

  test.each(["none", "gzip", "zstd"] as const)(
    "records with compression %s are read by Java and by streamport",
    { timeout: TOOL_TIMEOUT_MS },
    async (compression) => {
      const name = await newTopic(1);
      await using connection = await open({ compression });
      const topic = connection.topic(name, { codec: text() });
      const values = Array.from({ length: 500 }, (_, index) => `value ${index} ${"x".repeat(50)}`);
      const headers = { plain: "yes", ümlaut: "ä" };
      await topic.producer().sendBatch(values.map((value, index) => ({ key: `key ${index % 7}`, value, headers })));
      expect((await readAll(topic.reader({ until: "now" }))).map(({ value }) => value)).toEqual(values);
      const shown = ["print.key=true", "print.headers=true", "print.partition=true"].flatMap((property) => ["--property", property]);
      const args = ["--topic", name, "--from-beginning", "--max-messages", "500", "--timeout-ms", "20000", ...shown];
      const { stdout } = await runKafkaTool(cluster, "consoleConsumer", args);
      const expected = values.map((value, index) => `Partition:0\tplain:yes,ümlaut:ä\tkey ${index % 7}\t${value}`);
      expect(stdout.trimEnd().split("\n")).toEqual(expected);
    },
  );

  test.each(["gzip", "snappy", "lz4", "zstd"])("records of Java with %s are read", { timeout: TOOL_TIMEOUT_MS }, async (codec) => {
    const name = await newTopic(1);
    // Long enough for several blocks of each codec, with repetitions at all distances, and parts that cannot be compressed.
    const lines = Array.from({ length: 4_000 }, (_, index) => `${index}:${`${(index * 2_654_435_761) >>> 0} `.repeat((index % 9) + 1)}`);
    const args = ["--topic", name, "--compression-codec", codec, "--batch-size", "200000", "--timeout", "50"];
    const keyed = ["--property", "parse.key=true", "--property", "key.separator=:"];
    await runKafkaTool(cluster, "consoleProducer", [...args, ...keyed], { stdin: `${lines.join("\n")}\n` });
    await using connection = await open();
    const read = await readAll(connection.topic(name, { codec: text() }).reader({ until: "now" }));
    expect(read.map(({ key, value }) => `${key}:${value}`)).toEqual(lines);
  });

  test("Java's producer chooses the same partitions", { timeout: TOOL_TIMEOUT_MS }, async () => {
    const name = await newTopic(7);
    const keys = Array.from({ length: 1_000 }, (_, index) => `${"ключ-κλειδί-key".slice(0, index % 15)}${index}`);
    const keyed = ["--property", "parse.key=true", "--property", "key.separator=:"];
    await runKafkaTool(cluster, "consoleProducer", ["--topic", name, ...keyed], { stdin: keys.map((key) => `${key}:java\n`).join("") });
    await using connection = await open();
    const topic = connection.topic(name, { codec: text() });
    const byJava = new Map((await readAll(topic.reader({ until: "now" }))).map(({ key, partition }) => [key, partition]));
    const receipts = await topic.producer().sendBatch(keys.map((key) => ({ key, value: "ours" })));
    expect(new Map(keys.map((key, index) => [key, receipts[index]!.partition]))).toEqual(byJava);
  });

  test("keys, values and headers keep their bytes: not UTF-8, empty, null, in order", async () => {
    const name = await newTopic(1);
    await using connection = await open();
    const topic = connection.topic(name, { codec: bytes(), tombstones: true });
    const producer = topic.producer();
    await producer.send({ key: "\udcff\udc80key", value: Uint8Array.of(0, 255, 128), headers: { z: "", b: "\udcfe", a: "2" } });
    await producer.send({ key: "k", value: new Uint8Array(0) });
    await producer.send({ key: "k", value: null });
    const [first, empty, tombstone] = await readAll(topic.reader({ until: "now" }));
    expect(first!.raw.key).toEqual(Uint8Array.of(0xff, 0x80, 0x6b, 0x65, 0x79));
    expect(first!.value).toEqual(Uint8Array.of(0, 255, 128));
    expect(first!.raw.headers).toEqual([
      ["z", new Uint8Array(0)],
      ["b", Uint8Array.of(0xfe)],
      ["a", Uint8Array.of(0x32)],
    ]);
    expect(empty!.value).toEqual(new Uint8Array(0));
    expect(tombstone!.value).toBeNull();
    expect(first!.native).toMatchObject({ offset: "0", value: Buffer.from([0, 255, 128]) });
  });

  test("receipts have the stored time, the producer's or the server's", async () => {
    const own = await newTopic(1);
    const appended = await newTopic(1, "message.timestamp.type=LogAppendTime");
    await using connection = await open();
    for (const name of [own, appended]) {
      const topic = connection.topic(name, { codec: text() });
      const producedAt = new Date(Date.now() - 3_600_000);
      const first = name === own ? { key: "a", value: "1", producedAt } : { key: "a", value: "1" };
      const receipts = await topic.producer().sendBatch([first, { key: "a", value: "2" }]);
      const stored = (await readAll(topic.reader({ until: "now" }))).map(({ timestamp, position }) => ({ timestamp, position }));
      expect(receipts.map(({ timestamp, position }) => ({ timestamp, position }))).toEqual(stored);
      expect(stored[0]!.timestamp.getTime() === producedAt.getTime()).toBe(name === own);
      expect((await topic.capabilities()).producerTimestamps).toBe(name === own);
      if (name === own) continue;
      const sent = topic.producer().send({ key: "a", value: "3", producedAt });
      await expect(sent).rejects.toMatchObject({ code: "unsupported", capability: "producerTimestamps" });
    }
  });

  test("times that no Date can hold, no time, and times before 1970 are stored, and the times of messages can be looked up", async () => {
    const forEver = ["message.timestamp.after.max.ms=9223372036854775807", "retention.ms=-1"];
    const name = await newTopic(1, ...forEver);
    await using connection = await open();
    const topic = connection.topic(name, { codec: text() });
    const times = [-1n, 1_700_000_000_123_456_789n, -5n, 0n, 2n ** 63n - 1n];
    const producer = topic.producer();
    for (const producedAt of times) await producer.send({ key: "", value: "one by one", producedAt });
    await producer.sendBatch(times.map((producedAt) => ({ key: "", value: "in a batch", producedAt })));
    const read = await readAll(topic.reader({ until: "now" }));
    expect(read.map(({ raw }) => raw.timestamp)).toEqual([...times, ...times]);
    expect(read.map(({ key, partition }) => [key, partition])).toEqual(read.map(() => ["", "0"]));
    for (const { timestamp } of read) {
      const [found] = await readAll(topic.reader({ from: { timestamp }, until: "now" }));
      expect(found!.timestamp >= timestamp || timestamp.getTime() < 0).toBe(true);
    }
  });

  test("records of aborted transactions are left out, and a range can end after control records", async () => {
    const name = await newTopic(1);
    const raw = new Kafka({ brokers: cluster.bootstrapServers.split(","), logLevel: logLevel.NOTHING }).producer({
      transactionalId: "aborting",
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await raw.connect();
    const outcomes = ["commit", "abort", "commit", "abort"] as const;
    for (const [index, outcome] of outcomes.entries()) {
      const transaction = await raw.transaction();
      await transaction.send({ topic: name, messages: [{ key: "k", value: `${outcome} ${index}` }] });
      await transaction[outcome]();
    }
    await raw.disconnect();
    await using connection = await open();
    const topic = connection.topic(name, { codec: text() });
    await topic.producer().send({ key: "k", value: "plain" });
    expect((await readAll(topic.reader({ until: "now" }))).map(({ value }) => value)).toEqual(["commit 0", "commit 2", "plain"]);
  });

  test("an idempotent producer stores every message once, and keeps the order of each key", async () => {
    const name = await newTopic(3);
    await using connection = await open({ idempotent: true });
    const topic = connection.topic(name, { codec: text() });
    const producer = topic.producer();
    await Promise.all(
      Array.from({ length: 2_000 }, (_, index) => producer.send({ key: index % 5 === 4 ? null : `k${index % 5}`, value: String(index) })),
    );
    const read = await readAll(topic.reader({ until: "now" }));
    expect(read).toHaveLength(2_000);
    for (const keyed of Map.groupBy(
      read.filter(({ key }) => key !== null),
      ({ key }) => key,
    ).values()) {
      const values = keyed.map(({ value }) => Number(value));
      expect(values).toEqual(values.toSorted((a, b) => a - b));
    }
  });

  test("a message over max.message.bytes is too large at once, and one that fits is sent", async () => {
    const name = await newTopic(1, "max.message.bytes=10000");
    await using connection = await open();
    const topic = connection.topic(name, { codec: text() });
    const producer = topic.producer();
    const { limits } = await topic.capabilities();
    await expect(producer.send({ key: "k", value: "x".repeat(10_000) })).rejects.toMatchObject({ code: "too-large" });
    const many = Array.from({ length: 40 }, () => ({ key: "k", value: "y".repeat(900) }));
    await producer.sendBatch(many);
    await producer.send({ key: "k", value: "z".repeat(limits.messageBytes - 37) });
    expect(await readAll(topic.reader({ until: "now" }))).toHaveLength(41);
  });

  test("after a topic was deleted and created again, the producer continues in the new one, and positions of the old one are refused", async () => {
    const name = await newTopic(2);
    await using connection = await open();
    const topic = connection.topic(name, { codec: text() });
    const producer = topic.producer();
    const before = await producer.send({ key: "k", value: "old" });
    await connection.admin.deleteTopic(name);
    await connection.admin.createTopic(name, { partitions: 4 });
    const after = await producer.send({ key: "k", value: "new" });
    expect((await readAll(topic.reader({ until: "now" }))).map(({ value, position }) => ({ value, position }))).toEqual([
      { value: "new", position: after.position },
    ]);
    const reader = topic.reader({ from: { at: before.position! }, partitions: [before.partition!] });
    await expect(readAll(reader)).rejects.toMatchObject({ code: "position-mismatch" });
  });

  test(
    "a range whose start retention has deleted is refused, or onGap gets the number of missing messages",
    { timeout: TOOL_TIMEOUT_MS },
    async () => {
      const name = await newTopic(1);
      await using connection = await open();
      const topic = connection.topic(name, { codec: text() });
      const receipts = await topic.producer().sendBatch(Array.from({ length: 10 }, (_, index) => ({ key: "k", value: String(index) })));
      const admin = new Kafka({ brokers: cluster.bootstrapServers.split(","), logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.fetchTopicMetadata({ topics: [name] });
      await admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: "4" }] });
      await admin.disconnect();
      const from = { at: receipts[1]!.position! };
      await expect(readAll(topic.reader({ from, partitions: ["0"], until: "now" }))).rejects.toMatchObject({
        code: "position-out-of-range",
      });
      const gaps: (number | null)[] = [];
      const onGap = ({ missing: count }: { missing: number | null }) => gaps.push(count);
      const rest = await readAll(topic.reader({ from, partitions: ["0"], until: "now", onGap }));
      expect(rest.map(({ value }) => value)).toEqual(["4", "5", "6", "7", "8", "9"]);
      expect(gaps).toEqual([3]);
    },
  );

  test("a missing topic and a missing partition are errors", async () => {
    const name = await newTopic(2);
    await using connection = await open();
    const nothing = connection.topic("never-created", { codec: text() });
    await expect(nothing.producer().send({ key: "k", value: "v" })).rejects.toMatchObject({ code: "not-found" });
    await expect(readAll(nothing.reader({ until: "now" }))).rejects.toMatchObject({ code: "not-found" });
    const topic = connection.topic(name, { codec: text() });
    await expect(topic.producer().send({ key: "k", value: "v", toPartition: "2" })).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(readAll(topic.reader({ partitions: ["2"], until: "now" }))).rejects.toMatchObject({ code: "invalid-argument" });
  });
});
