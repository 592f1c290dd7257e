import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { loadKafkaOpener } from "../../../../../adapters/kafka/open.ts";
import { type EmulatedKafka, startEmulatedKafka } from "../../../../../localstack/kafka/broker/emulated-kafka.ts";
import type { ReaderSink } from "../../../../../src/driver/index.ts";
import { type Connection, connect, text } from "../../../../../src/index.ts";

// How readers and members see the content of a log and its changes, on the emulated Kafka.

const TOPIC = "flights";
const GROUP = "delays";
const never = new AbortController().signal;

const start = (): Promise<EmulatedKafka> => startEmulatedKafka({ topics: { [TOPIC]: { partitions: 1 } } });
const flights = (connection: Connection) => connection.topic(TOPIC, { codec: text(), key: () => "ATL" });

function foreign(emulator: EmulatedKafka): Kafka {
  return new Kafka({ brokers: emulator.bootstrapServers.split(","), logLevel: logLevel.NOTHING });
}

async function send(connection: Connection, ...values: readonly string[]): Promise<void> {
  await using producer = flights(connection).producer();
  for (const value of values) await producer.send({ value });
}

async function readAll(connection: Connection): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const { value } of flights(connection).reader({ until: "now" })) values.push(value);
  return values;
}

test("records of a transaction are delivered only after its commit, and never after an abort", async () => {
  await using emulator = await start();
  await using connection = await connect(emulator.url);
  const client = foreign(emulator).producer({ transactionalId: "transfers", idempotent: true, maxInFlightRequests: 1 });
  await client.connect();
  const handled: string[] = [];
  await using consumer = flights(connection).consumer({ group: GROUP, initialPosition: "earliest" });
  void consumer.run(({ value }) => void handled.push(value));
  try {
    await send(connection, "before");
    const aborted = await client.transaction();
    await aborted.send({ topic: TOPIC, messages: [{ key: "ATL", value: "aborted" }] });
    await aborted.abort();
    await send(connection, "between");
    await expect.poll(() => handled).toEqual(["before", "between"]);
    const open = await client.transaction();
    await open.send({ topic: TOPIC, messages: [{ key: "ATL", value: "open" }] });
    await send(connection, "behind");
    expect(await readAll(connection)).toEqual(["before", "between"]);
    expect(handled).toEqual(["before", "between"]);
    await open.commit();
    await expect.poll(() => handled).toEqual(["before", "between", "open", "behind"]);
    expect(await readAll(connection)).toEqual(["before", "between", "open", "behind"]);
  } finally {
    await client.disconnect();
  }
});

test("a member whose offset is after the end of the log, without a known epoch, gets an error", async () => {
  await using emulator = await start();
  await using connection = await connect(emulator.url);
  await send(connection, "a", "b");
  const admin = foreign(emulator).admin();
  await admin.connect();
  await admin.setOffsets({ groupId: `${TOPIC}.${GROUP}`, topic: TOPIC, partitions: [{ partition: 0, offset: "5" }] });
  await admin.disconnect();
  await using consumer = flights(connection).consumer({ group: GROUP });
  await expect(consumer.run(() => undefined)).rejects.toMatchObject({ code: "position-out-of-range", topic: TOPIC, partition: "0" });
});

test(
  "a reader or member at the end of a log that it has not read gets an error when the log is truncated",
  { timeout: 20_000 },
  async () => {
    await using emulator = await start();
    await using connection = await connect(emulator.url);
    await send(connection, "a", "b", "c");
    await using reader = flights(connection).reader({ from: "latest" });
    await reader.bookmark();
    emulator.truncate(TOPIC, 0, 1n);
    const next = reader[Symbol.asyncIterator]().next();
    await expect(next).rejects.toMatchObject({ code: "position-out-of-range", message: expect.stringMatching(/truncated/) });
  },
);

test("every member of a topic that is created again gets an error, also one without partitions", { timeout: 30_000 }, async () => {
  await using emulator = await start();
  await using connection = await connect(emulator.url, { require: ["topicAdmin"] });
  const handled: string[] = [];
  const ends: unknown[] = [];
  const members = [1, 2].map(() => {
    const consumer = flights(connection).consumer({ group: GROUP, initialPosition: "earliest" });
    consumer.run(({ value }) => void handled.push(value)).catch((error: unknown) => ends.push(error));
    return consumer;
  });
  await send(connection, "old");
  await expect.poll(() => handled).toEqual(["old"]);
  await expect.poll(() => members.map((member) => member.status().state), { timeout: 10_000 }).toEqual(["running", "running"]);
  await connection.admin.deleteTopic(TOPIC);
  await connection.admin.createTopic(TOPIC, { partitions: 1 });
  await send(connection, "new");
  await expect.poll(() => ends, { timeout: 15_000 }).toHaveLength(2);
  for (const end of ends) expect(end).toMatchObject({ code: "not-found", topic: TOPIC });
  expect(handled).toEqual(["old"]);
});

test("a range that starts after a record leaves it out, one that starts at it does not", async () => {
  await using emulator = await start();
  await using connection = await connect(emulator.url);
  await send(connection, "a", "b", "c");
  const driver = (await loadKafkaOpener())(emulator.url).open({ report: Object.assign(() => {}, { wants: () => false }) });
  for (const [kind, expected] of [
    ["at", ["b", "c"]],
    ["after", ["c"]],
  ] as const) {
    const reader = driver.reader(TOPIC);
    const values: string[] = [];
    const sink: ReaderSink = {
      deliver: async (_, records) => values.push(...records.map(({ value }) => Buffer.from(value!).toString())) > 0,
      unreadable: async () => true,
      advanced: () => true,
      caughtUp: () => false,
      ended: () => undefined,
      appeared: () => undefined,
      gap: async () => undefined,
    };
    await reader.read([{ partition: "0", start: { kind, position: "1" }, end: null, parents: [], gap: null }], sink, never);
    expect(values).toEqual(expected);
    await reader.close();
  }
  await driver.close();
});
