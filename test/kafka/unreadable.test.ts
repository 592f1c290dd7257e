import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, type Failure, type StreamError, bytes, connect, text } from "../../src/index.ts";
import { damageKafkaLog } from "../conformance/damage-kafka-log.ts";

const missing = kafkaRequirements();
const START_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 30_000;

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

/** Damages of a batch of three records, as by a disk or a bug. */
const DAMAGES: readonly (readonly [what: string, damage: (batch: Buffer) => void])[] = [
  ["a letter of a value", (batch) => void (batch[batch.length - 2]! ^= 0x01)],
  ["its checksum", (batch) => void batch.writeUInt32BE(1, 17)],
  ["its compression", (batch) => void batch.writeInt16BE(7, 21)],
  ["the number of its offsets", (batch) => void batch.writeInt32BE(3, 23)],
  ["the number of its records", (batch) => void batch.writeInt32BE(77, 57)],
  ["its format", (batch) => void (batch[16] = 3)],
];

/** The server reads past a wrong checksum, but not past this. */
const FIRST_LENGTH: (typeof DAMAGES)[number] = ["the length of its first record", (batch) => void (batch[61]! ^= 0x40)];

/** The number of offsets that errors report as unreadable. */
function lostOffsets(reported: readonly StreamError[]): number {
  return reported
    .map(({ message }) => /offsets? (\d+)(?: to (\d+))? of/.exec(message)!)
    .reduce((sum, [, first, last]) => sum + Number(last ?? first) - Number(first) + 1, 0);
}

describe.each(missing === null ? ["Kafka"] : [])("unreadable records of a real %s", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin" | "lagInMessages" | "groupReset" | "startAtPosition">;

  beforeAll(async () => {
    cluster = await startKafka();
    connection = await connect(cluster.url, { require: ["topicAdmin", "lagInMessages", "groupReset", "startAtPosition"] });
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  test.each(DAMAGES)(
    "%s: one failure that names first and last; a group and a reader go on behind it",
    { timeout: TEST_TIMEOUT_MS },
    async (_, damage) => {
      const [name, letters] = [`damaged-${randomUUID()}`, `letters-${randomUUID()}`];
      for (const topic of [name, letters]) await connection.admin.createTopic(topic, { partitions: 1 });
      const topic = connection.topic(name, { codec: text() });
      const send = async (...values: readonly string[]) => topic.producer().sendBatch(values.map((value) => ({ key: "k", value })));
      await send("first", "second");
      const receipts = await send("bad one", "bad two", "bad three");
      await damageKafkaLog(cluster, name, "0", damage);
      await send("behind");
      const failures: Failure[] = [];
      const handled: string[] = [];
      const onFailure = (failure: Failure) => {
        failures.push(failure);
        return { deadLetter: letters };
      };
      await using consumer = topic.consumer({ group: "g", onFailure, commit: { everyMs: 20 } });
      const run = consumer.run(({ value }) => void handled.push(value));
      await expect.poll(() => handled, { timeout: 20_000 }).toEqual(["first", "second", "behind"]);
      const place = {
        code: "corrupt",
        partition: "0",
        position: receipts[2]!.position,
        message: expect.stringContaining("offsets 2 to 4"),
      };
      expect(failures.map(({ error }) => error)).toEqual([expect.objectContaining(place)]);
      await expect.poll(async () => (await connection.admin.lag(name, "g")).messages).toBe(0);
      const values: Uint8Array[] = [];
      for await (const { value } of connection.topic(letters, { codec: bytes() }).reader({ until: "now" })) values.push(value);
      expect(values).toEqual([new Uint8Array(0)]);
      await consumer.close();
      await run;
      const reported: StreamError[] = [];
      const read: string[] = [];
      for await (const { value } of topic.reader({ until: "now", onCorrupt: (error) => void reported.push(error) })) read.push(value);
      expect([read, reported]).toEqual([["first", "second", "behind"], [expect.objectContaining(place)]]);
    },
  );

  test.each([...DAMAGES, FIRST_LENGTH])(
    "%s: a time that lies in it or behind it is found, though the server has to read it for that",
    { timeout: TEST_TIMEOUT_MS },
    async (_, damage) => {
      const name = `damaged-${randomUUID()}`;
      await connection.admin.createTopic(name, { partitions: 1 });
      const topic = connection.topic(name, { codec: text() });
      const send = async (producedAt: number, ...values: readonly string[]) =>
        topic.producer().sendBatch(values.map((value) => ({ key: "k", value, producedAt })));
      const startMs = Date.now() - 600_000;
      await send(startMs, "first", "second");
      await send(startMs + 100_000, "bad one", "bad two", "bad three");
      await damageKafkaLog(cluster, name, "0", damage);
      await send(startMs + 200_000, "behind");
      const readFrom = async (timestamp: number): Promise<[string[], number]> => {
        const read: string[] = [];
        let unreadable = 0;
        const onCorrupt = () => (unreadable += 1);
        for await (const { value } of topic.reader({ from: { timestamp }, until: "now", onCorrupt })) read.push(value);
        return [read, unreadable];
      };
      expect(await readFrom(startMs)).toEqual([["first", "second", "behind"], 1]);
      expect(await readFrom(startMs + 1)).toEqual([["behind"], 1]);
      expect(await readFrom(startMs + 150_000)).toEqual([["behind"], 0]);
      expect(await readFrom(startMs + 250_000)).toEqual([[], 0]);
      await connection.admin.resetGroup(name, "g", { timestamp: startMs + 1 });
      expect(await connection.admin.lag(name, "g")).toMatchObject({ messages: 4 });
    },
  );

  test.each([
    // The server refuses to read on, so a reader starts at the damage itself.
    { length: 5, fromBehind: 7 },
    { length: 60, fromBehind: 4 },
    { length: 100_000, fromBehind: 4 },
  ])(
    "its length, now $length, so that the server cannot look behind it: a time that lies in it or behind it is found",
    { timeout: 2 * TEST_TIMEOUT_MS },
    async ({ length, fromBehind }) => {
      const name = `damaged-${randomUUID()}`;
      await connection.admin.createTopic(name, { partitions: 1 });
      const topic = connection.topic(name, { codec: text() });
      const send = async (producedAt: number, ...values: readonly string[]) =>
        topic.producer().sendBatch(values.map((value) => ({ key: "k", value, producedAt })));
      const startMs = Date.now() - 600_000;
      await send(startMs, "first");
      await send(startMs + 100_000, "bad one", "bad two", "bad three");
      await damageKafkaLog(cluster, name, "0", (batch) => void batch.writeInt32BE(length, 8));
      for (let count = 0; count < 3; count += 1) await send(startMs + 200_000 + count, "x".repeat(5_000));
      await send(startMs + 300_000, "readable");
      /** The last value, and the number of offsets that were delivered or reported. */
      const readFrom = async (timestamp: number): Promise<[string | undefined, number]> => {
        const read: string[] = [];
        const reported: StreamError[] = [];
        const onCorrupt = (error: StreamError) => void reported.push(error);
        for await (const { value } of topic.reader({ from: { timestamp }, until: "now", onCorrupt })) read.push(value);
        return [read.at(-1), read.length + lostOffsets(reported)];
      };
      expect(await readFrom(startMs + 1)).toEqual(["readable", 7]);
      expect(await readFrom(startMs + 150_000)).toEqual(["readable", fromBehind]);
      expect(await readFrom(startMs + 250_000)).toEqual(["readable", 1]);
      expect(await readFrom(startMs + 350_000)).toEqual([undefined, 0]);
      await connection.admin.resetGroup(name, "g", { timestamp: startMs + 1 });
      expect(await connection.admin.lag(name, "g")).toMatchObject({ messages: 7 });
      const handled: string[] = [];
      const letters = `letters-${randomUUID()}`;
      await connection.admin.createTopic(letters, { partitions: 1 });
      const settings = { group: "new", initialPosition: { timestamp: startMs + 1 }, onFailure: () => ({ deadLetter: letters }) };
      await using consumer = topic.consumer(settings);
      const run = consumer.run(({ value }) => void handled.push(value));
      await expect.poll(() => handled.at(-1), { timeout: 20_000 }).toBe("readable");
      await consumer.close();
      await run;
    },
  );

  /** After 4 KiB the server has an entry in its index, from which it can read again. */
  test.each([5, 60, 100_000])(
    "its length, now %i, so that the server itself cannot continue: later readable records are delivered",
    { timeout: TEST_TIMEOUT_MS },
    async (length) => {
      const name = `damaged-${randomUUID()}`;
      await connection.admin.createTopic(name, { partitions: 1 });
      const topic = connection.topic(name, { codec: text() });
      const send = async (...values: readonly string[]) => topic.producer().sendBatch(values.map((value) => ({ key: "k", value })));
      await send("first", "second");
      await send("bad one", "bad two", "bad three");
      await damageKafkaLog(cluster, name, "0", (batch) => void batch.writeInt32BE(length, 8));
      for (let count = 0; count < 3; count += 1) await send("x".repeat(5_000));
      await send("readable");
      const reported: StreamError[] = [];
      const read: string[] = [];
      for await (const { value } of topic.reader({ until: "now", onCorrupt: (error) => void reported.push(error) })) read.push(value);
      expect(read.slice(0, 2)).toEqual(["first", "second"]);
      expect(read.at(-1)).toBe("readable");
      expect(reported.length).toBeGreaterThan(0);
      for (const error of reported) expect(error).toMatchObject({ code: "corrupt", partition: "0", position: expect.any(String) });
      // Every record was delivered or reported, and none twice: nine offsets in total.
      expect(read.length + lostOffsets(reported)).toBe(9);
    },
  );
});
