import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, test } from "vitest";
import { startEmulatedKafka } from "../../../../../localstack/kafka/broker/emulated-kafka.ts";
import { describeConfigsApi } from "../../../../../localstack/kafka/broker/requests/describe-configs.ts";
import { produceApi } from "../../../../../localstack/kafka/broker/requests/produce.ts";
import { bytes, connect } from "../../../../../src/index.ts";
import { batchesOf, workload } from "../../../../bench/workload.ts";
import { batch } from "../../../../kafka/comparison/batches.ts";
import { HungUp, RawClient } from "../../../../kafka/comparison/raw-client.ts";

const EMULATOR = join(import.meta.dirname, "..", "..", "..", "..", "..", "localstack", "kafka", "broker", "emulated-kafka.ts");

test("is ready within 100 ms", async () => {
  const durationsMs: number[] = [];
  for (let time = 0; time < 5; time += 1) {
    const startedAt = performance.now();
    await using kafka = await startEmulatedKafka({ brokers: 3, topics: { flights: { partitions: 8 } } });
    durationsMs.push(performance.now() - startedAt);
    expect(kafka.brokers).toHaveLength(3);
  }
  expect(durationsMs.toSorted((a, b) => a - b)[2]).toBeLessThan(100);
});

test("200,000 messages take less than 200 MB", async () => {
  const collect = gc();
  await using kafka = await startEmulatedKafka({ topics: { flights: { partitions: 8 } } });
  const usedBytes = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = usedBytes();
  const connection = await connect(kafka.url);
  const producer = connection.topic("flights", { codec: bytes() }).producer();
  for (let part = 0; part < 20; part += 1) {
    for (const some of batchesOf(workload(10_000), 1_000)) await producer.sendBatch(some);
  }
  await connection.close();
  expect(usedBytes() - before).toBeLessThan(200_000_000);
});

/** Vitest runs without it being exposed. */
function gc(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

test("ends after its work, and leaves nothing that keeps the process alive", async () => {
  const program = `
    import { connect } from "node:net";
    import { startEmulatedKafka } from ${JSON.stringify(pathToFileURL(EMULATOR).href)};
    const kafka = await startEmulatedKafka({ brokers: 2, topics: { flights: {} } });
    const socket = connect(kafka.brokers[0].port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    const hungUp = new Promise((resolve) => socket.once("close", resolve));
    await kafka.close();
    await kafka.close();
    await hungUp;
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
});

test.each([
  [{ "log.dirs": "/tmp" }, /"log\.dirs" has no effect here; known are auto\.create\.topics\.enable, /],
  [{ "log.remote.storage.enable": "false" }, /"log\.remote\.storage\.enable" has no effect here/],
  [{ "num.partitions": "many" }, /num\.partitions is "many"; allowed is a whole number/],
  [{ "auto.create.topics.enable": "yes" }, /allowed is true or false/],
  [{ "log.cleanup.policy": "shred" }, /log\.cleanup\.policy is "shred"; allowed is delete, compact/],
])("refuses the properties %j", async (properties, message) => {
  await expect(startEmulatedKafka({ properties })).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringMatching(message),
  });
});

test("broker settings hold for topics without the setting, and are reported by the names of broker settings", async () => {
  await using kafka = await startEmulatedKafka({
    properties: { "log.retention.ms": "5000", "log.cleaner.max.compaction.lag.ms": "10" },
    topics: { flights: {} },
  });
  await using client = await RawClient.open(kafka.bootstrapServers);
  const describe = async (resourceType: number, resourceName: string, name: string) => {
    const resources = [{ resourceType, resourceName, configurationKeys: [name] }];
    const { results } = await client.call(describeConfigsApi, 4, { resources, includeSynonyms: true, includeDocumentation: false });
    const { value, synonyms } = results[0]!.configs[0]!;
    return { value, synonyms: synonyms.map((synonym) => synonym.name) };
  };
  expect(await describe(2, "flights", "retention.ms")).toEqual({ value: "5000", synonyms: ["log.retention.ms"] });
  expect(await describe(2, "flights", "segment.ms")).toEqual({ value: "604800000", synonyms: [] });
  expect(await describe(4, "1", "log.retention.ms")).toEqual({ value: "5000", synonyms: [] });
  await kafka.createTopic("quick", {}, { "min.compaction.lag.ms": "10" });
  await expect(kafka.createTopic("slow", {}, { "min.compaction.lag.ms": "11" })).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining("min.compaction.lag.ms (11) > max.compaction.lag.ms (10)"),
  });
});

test("a closed emulator refuses every change", async () => {
  const kafka = await startEmulatedKafka({ topics: { flights: {} } });
  await kafka.close();
  const closed = { code: "closed", message: "the emulator of kafka has been closed; start another one" };
  for (const late of [
    () => kafka.answerWith({ api: "Produce", errorCode: 7 }),
    () => kafka.moveLeader("flights", 0),
    () => kafka.truncate("flights", 0, 0n),
  ]) {
    expect(late).toThrow(expect.objectContaining(closed));
  }
  await expect(kafka.compact("flights")).rejects.toMatchObject(closed);
  await expect(kafka.expire("flights")).rejects.toMatchObject(closed);
  await expect(kafka.restart()).rejects.toMatchObject(closed);
  await expect(kafka.brokers[0]!.start()).rejects.toMatchObject(closed);
  await kafka.brokers[0]!.stop();
});

test("creates a topic at its first use, if the property is set", async () => {
  await using kafka = await startEmulatedKafka({ properties: { "auto.create.topics.enable": "true", "num.partitions": "3" } });
  const client = new Kafka({ brokers: [kafka.bootstrapServers], logLevel: logLevel.NOTHING });
  const producer = client.producer();
  await producer.connect();
  await producer.send({ topic: "made", messages: [{ value: "one" }] });
  await producer.disconnect();
  await using connection = await connect(kafka.url);
  expect((await connection.admin.describeTopic("made")).partitions).toHaveLength(3);
});

test("the connection of a producer without answers is closed if a produce fails", async () => {
  await using kafka = await startEmulatedKafka({ topics: { flights: {} } });
  await using client = await RawClient.open(kafka.bootstrapServers);
  const topicData = [{ name: "missing", topicId: "", partitionData: [{ index: 0, records: [batch([{}])] }] }];
  client.send(produceApi, 8, { transactionalId: null, acks: 0, timeoutMs: 1_000, topicData });
  await expect(client.frame()).rejects.toThrow(HungUp);
});

describe("with users", () => {
  const users = { alice: "p@ss:wörd", bob: "b" };

  test("the URL authenticates; another password, user or mechanism is refused", async () => {
    await using kafka = await startEmulatedKafka({ users, topics: { flights: {} } });
    await using connection = await connect(kafka.url, { require: ["topicListing"] });
    expect(await connection.admin.listTopics()).toEqual(["flights"]);
    const servers = kafka.bootstrapServers;
    for (const [mechanism, user] of [
      ["plain", "alice:wrong"],
      ["plain", "carol:b"],
      ["scram-sha-256", "bob:b"],
    ]) {
      await using refused = await connect(`kafka://${user}@${servers}?sasl.mechanism=${mechanism}`);
      expect(await refused.check()).toMatchObject({ ok: false, error: { code: "unauthenticated" } });
    }
    await using unauthenticated = await connect(`kafka://${servers}`);
    expect(await unauthenticated.check()).toMatchObject({ ok: false });
  });

  test("kafkajs authenticates with the right password, and not with another", async () => {
    await using kafka = await startEmulatedKafka({ users });
    const admin = (password: string) => {
      const sasl = { mechanism: "plain", username: "bob", password } as const;
      return new Kafka({ brokers: [kafka.bootstrapServers], sasl, logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
    };
    const welcome = admin("b");
    await welcome.connect();
    expect(await welcome.listTopics()).toEqual([]);
    await welcome.disconnect();
    await expect(admin("x").connect()).rejects.toThrow(/Invalid username or password/);
  });
});
