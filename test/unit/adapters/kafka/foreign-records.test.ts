import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeBatch } from "../../../../adapters/kafka/log/record-batch-writer.ts";
import { type EmulatedKafka, startEmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";
import { incrementalAlterConfigsApi } from "../../../../localstack/kafka/broker/requests/incremental-alter-configs.ts";
import { produceApi } from "../../../../localstack/kafka/broker/requests/produce.ts";
import { type OutgoingRecord, toStoredTime } from "../../../../src/driver/index.ts";
import { type Connection, type Message, type RawRecord, bytes, connect, text } from "../../../../src/index.ts";
import { RawClient } from "../../../kafka/comparison/raw-client.ts";
import { runInProcess } from "../../cli/run-in-process.ts";

const NANOSECONDS = 1_700_000_000_123_456_789n;

describe("records of other clients on the emulated Kafka", () => {
  let kafka: EmulatedKafka;
  let connection: Connection<"topicAdmin">;
  let topics = 0;

  beforeAll(async () => {
    kafka = await startEmulatedKafka({
      properties: { "log.message.timestamp.after.max.ms": "9223372036854775807", "log.retention.ms": "-1" },
    });
    connection = await connect(kafka.url, { require: ["topicAdmin"] });
  });

  afterAll(async () => {
    await connection.close();
    await kafka.close();
  });

  async function newTopic(): Promise<string> {
    topics += 1;
    const topic = `foreign-${topics}`;
    await connection.admin.createTopic(topic, { partitions: 1 });
    return topic;
  }

  /** Writes any record that the format allows, as other clients do. */
  async function write(topic: string, records: readonly Partial<OutgoingRecord>[]): Promise<void> {
    await using client = await RawClient.open(kafka.bootstrapServers);
    const whole = records.map((record) => ({
      key: Buffer.from("a"),
      value: null,
      headers: [],
      timestampMs: null,
      toPartition: undefined,
      ...record,
    }));
    const batch = await writeBatch(whole, Date.now(), "none", null);
    const topicData = [{ name: topic, topicId: "", partitionData: [{ index: 0, records: [batch] }] }];
    const { responses } = await client.call(produceApi, 8, { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData });
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
  }

  async function readAll(topic: string, from?: { timestamp: Date }): Promise<Message<string>[]> {
    const read: Message<string>[] = [];
    for await (const message of connection.topic(topic, { codec: text() }).reader({ from, until: "now" })) read.push(message);
    return read;
  }

  test("a header without a value is delivered, and a dead letter keeps it", async () => {
    const [topic, failed] = [await newTopic(), await newTopic()];
    const stored = [
      ["one", Uint8Array.of(0x31)],
      ["tracestate", null],
      ["two", new Uint8Array(0)],
    ] as const;
    await write(topic, [{ value: Buffer.from("bad"), headers: stored }, { value: Buffer.from("behind") }]);
    const [first] = await readAll(topic);
    expect(first!.raw.headers).toEqual(stored);
    expect({ ...first!.headers }).toEqual({ one: "1", two: "" });
    const consumer = connection
      .topic(topic, { codec: text() })
      .consumer({ group: "g", retry: { maxAttempts: 1 }, onFailure: { deadLetter: failed } });
    await consumer.run(({ value }) => {
      if (value === "bad") throw new Error("not this one");
      void consumer.close();
    });
    const [letter] = await readAll(failed);
    expect(letter!.raw.headers.slice(0, 3)).toEqual(stored);
    expect(letter!.headers["streamport-failure-code"]).toBe("handler-failed");
  });

  test("times that no Date can hold, no time, and the earliest time are delivered, looked up and written again", async () => {
    const [topic, copy] = [await newTopic(), await newTopic()];
    const times = [-1n, NANOSECONDS, 0n, 1_000n];
    await write(
      topic,
      times.map((time) => ({ value: Buffer.from(String(time)), timestampMs: toStoredTime(time) })),
    );
    const read = await readAll(topic);
    expect(read.map(({ raw }) => raw.timestamp)).toEqual(times);
    expect(read.map(({ timestamp }) => timestamp.toISOString())).toEqual([
      "1969-12-31T23:59:59.999Z",
      "+275760-09-13T00:00:00.000Z",
      "1970-01-01T00:00:00.000Z",
      "1970-01-01T00:00:01.000Z",
    ]);
    // The time of a message can be used for a look-up.
    for (const [index, { timestamp }] of read.entries()) {
      const found = await readAll(topic, { timestamp });
      expect(found[0]!.raw.timestamp).toBe([-1n, NANOSECONDS, NANOSECONDS, NANOSECONDS][index]);
    }
    const producer = connection.topic(copy, { codec: text() }).producer();
    for (const { key, value, raw } of read) await producer.send({ key, value, producedAt: raw.timestamp });
    await producer.sendBatch(read.map(({ key, value, raw }) => ({ key, value, producedAt: raw.timestamp })));
    const copied = (await readAll(copy)).map(({ raw }) => raw.timestamp);
    expect(copied).toEqual([...times, ...times]);
  });

  test("read and produce copy every record exactly, and the copy of the copy is the same", async () => {
    const names = await Promise.all(["0", "1", "2"].map(newTopic));
    const strange = (value: string, record: Partial<OutgoingRecord>) => ({ value: Buffer.from(value), ...record });
    const binary = Buffer.from([0xff, 0x00, 0xfe]);
    await write(names[0]!, [
      strange("none", { key: null, timestampMs: -1 }),
      strange("empty", { key: new Uint8Array(0), timestampMs: 0 }),
      strange("binary", { key: binary, value: binary, timestampMs: NANOSECONDS }),
      strange("tombstone", { value: null, timestampMs: 1_700_000_000_000 }),
      strange("headers", {
        headers: [
          ["b", Buffer.from("1")],
          ["", Buffer.from("no name")],
          ["a", null],
          ["7", binary],
          ["b", new Uint8Array(0)],
          ["__proto__", Buffer.from("p")],
          ["\udcff", Buffer.from("a name that is no text")],
        ],
      }),
      strange("one null", { headers: [["tracestate", null]] }),
      strange("last", { headers: [["plain", Buffer.from("x")]] }),
    ]);
    const folder = await mkdtemp(join(tmpdir(), "streamport-copy-"));
    for (const [from, to] of [
      [0, 1],
      [1, 2],
    ] as const) {
      const { output } = await runInProcess(["read", "--topic", names[from]!], kafka.url);
      const file = join(folder, `${from}.jsonl`);
      await writeFile(file, output);
      const result = await runInProcess(["produce", file, "--topic", names[to]!, "--keep", "partition,timestamp"], kafka.url);
      expect(result).toMatchObject({ exitCode: 0, errors: expect.stringContaining("7") });
    }
    await rm(folder, { recursive: true });
    const [original, copy, copyOfCopy] = await Promise.all(names.map(rawOf));
    expect(original).toHaveLength(7);
    expect(copy).toEqual(original);
    expect(copyOfCopy).toEqual(original);
  });

  test("a topic with server times reports that, and refuses times of producers", async () => {
    const topic = await newTopic();
    const stream = connection.topic(topic, { codec: text() });
    expect(await stream.capabilities()).toEqual(connection.capabilities);
    await write(topic, [{ value: Buffer.from("old"), timestampMs: 1_700_000_000_000 }]);
    const { output } = await runInProcess(["read", "--topic", topic], kafka.url);
    const running = stream.producer();
    await running.send({ key: "a", value: "before", producedAt: 1_700_000_000_000 });
    await setServerTime(topic);
    expect(await stream.capabilities()).toEqual({ ...connection.capabilities, producerTimestamps: false });
    const refused = { code: "unsupported", capability: "producerTimestamps", provider: "kafka", topic };
    await expect(stream.producer().send({ key: "a", value: "x", producedAt: 5 })).rejects.toMatchObject(refused);
    // A producer that was opened before learns it from the first answer, and its receipt has the stored time.
    const receipt = await running.send({ key: "a", value: "after", producedAt: 1_700_000_000_000 });
    expect(receipt.timestamp!.getTime()).toBeGreaterThan(1_750_000_000_000);
    await expect(running.send({ key: "a", value: "x", producedAt: 5 })).rejects.toMatchObject(refused);
    await running.send({ key: "a", value: "without" });
    const folder = await mkdtemp(join(tmpdir(), "streamport-times-"));
    await writeFile(join(folder, "lines"), output);
    const result = await runInProcess(["produce", join(folder, "lines"), "--topic", topic, "--keep", "timestamp"], kafka.url);
    await rm(folder, { recursive: true });
    expect(result).toMatchObject({ exitCode: 1, errors: expect.stringContaining("producerTimestamps") });
    expect((await readAll(topic)).map(({ value }) => value)).toEqual(["old", "before", "after", "without"]);
  });

  async function setServerTime(topic: string): Promise<void> {
    await using client = await RawClient.open(kafka.bootstrapServers);
    const configs = [{ name: "message.timestamp.type", configOperation: 0, value: "LogAppendTime" }];
    const resources = [{ resourceType: 2, resourceName: topic, configs }];
    const { responses } = await client.call(incrementalAlterConfigsApi, 1, { resources, validateOnly: false });
    expect(responses[0]!.errorCode).toBe(0);
  }

  /** All stored parts of each record. */
  async function rawOf(topic: string): Promise<RawRecord[]> {
    const all: RawRecord[] = [];
    const stream = connection.topic(topic, { codec: bytes(), tombstones: true });
    for await (const { raw } of stream.reader({ until: "now" })) {
      const { key, value, headers, timestamp } = raw;
      all.push({ key, value, headers, timestamp });
    }
    return all;
  }
});
