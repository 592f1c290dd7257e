import { afterEach, beforeEach, expect, test } from "vitest";
import { type KafkaClient, KafkaUnsupportedError } from "../../../../../adapters/kafka/client/kafka-client.ts";
import { ProducerSequences } from "../../../../../adapters/kafka/produce/producer-sequences.ts";
import { type EmulatedKafka, startEmulatedKafka } from "../../../../../localstack/kafka/broker/emulated-kafka.ts";
import { type Connection, type Receipt, connect, text } from "../../../../../src/index.ts";

// An idempotent producer with lost answers and moved leaders: each message is stored once, in the order of its key.

const TOPIC = "flights";
const PARTITIONS = 6;
const RETRY = { initialDelayMs: 5, maxDelayMs: 50 };
const NOT_LEADER = 6;
const TIMED_OUT = 7;
const UNKNOWN_PRODUCER = 59;

let emulator: EmulatedKafka;
let connection: Connection;

beforeEach(async () => {
  emulator = await startEmulatedKafka({ brokers: 3, topics: { [TOPIC]: { partitions: PARTITIONS } } });
  connection = await connect(`${emulator.url}?idempotent=true`);
});

afterEach(async () => {
  await connection.close();
  await emulator.close();
});

const topic = () => connection.topic(TOPIC, { codec: text() });

/** The values by key, in log order. Values without a key are grouped by partition. */
async function storedByKey(): Promise<ReadonlyMap<string, readonly string[]>> {
  const byKey = new Map<string, string[]>();
  for await (const { key, value, partition } of topic().reader({ until: "now" })) {
    const name = key ?? `without, in ${partition}`;
    byKey.set(name, [...(byKey.get(name) ?? []), value]);
  }
  return byKey;
}

test.each([
  { name: "the answer is lost", errorCode: TIMED_OUT, moves: false },
  { name: "the leader appends and hands its partition over", errorCode: NOT_LEADER, moves: true },
])("many calls in flight, where $name, are stored once and in order", async ({ errorCode, moves }) => {
  const producer = topic().producer({ retry: RETRY });
  const keys = Array.from({ length: 24 }, (_, index) => `key-${index}`);
  const sends: Promise<Receipt>[] = [];
  const expected = new Map<string, string[]>(keys.map((key) => [key, []]));
  for (let round = 0; round < 30; round += 1) {
    if (round % 5 === 2) emulator.answerWith({ api: "Produce", errorCode, isStored: true, times: 3, topic: TOPIC });
    if (moves && round % 5 === 3) for (let partition = 0; partition < PARTITIONS; partition += 1) emulator.moveLeader(TOPIC, partition);
    for (const key of keys) {
      expected.get(key)!.push(String(round));
      sends.push(producer.send({ key, value: String(round) }));
    }
    // Messages that are sent now wait for the calls in flight.
    await new Promise((resolve) => setImmediate(resolve));
    if (round % 10 === 9) await Promise.all(sends);
  }
  await Promise.all(sends);
  expect(await storedByKey()).toEqual(expected);
});

test("messages without a key use no sequence numbers of a partition whose batch has to be retried", async () => {
  const producer = topic().producer({ retry: { initialDelayMs: 400, maxDelayMs: 400 } });
  await producer.send({ key: "first", value: "first" });
  emulator.answerWith({ api: "Produce", errorCode: TIMED_OUT, isStored: true, times: 3, topic: TOPIC });
  const keys = Array.from({ length: 24 }, (_, index) => `key-${index}`);
  const sends: Promise<Receipt>[] = keys.map((key) => producer.send({ key, value: key }));
  await expect.poll(async () => (await storedByKey()).size).toBe(keys.length + 1);
  // Now every partition waits for the retry of its batch.
  for (let count = 0; count < 20; count += 1) {
    sends.push(producer.send({ key: null, value: `without ${count}` }));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(sends);
  const values = [...(await storedByKey()).values()].flat();
  expect(values).toHaveLength(new Set(values).size);
  expect(values).toHaveLength(sends.length + 1);
});

test("a partition whose sequence the server no longer knows starts again with a new id, and loses nothing", async () => {
  const producer = topic().producer({ retry: RETRY });
  const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);
  const sendAll = (value: string) => Promise.all(keys.map((key) => producer.send({ key, value })));
  await sendAll("0");
  emulator.answerWith({ api: "Produce", errorCode: UNKNOWN_PRODUCER, times: 2, topic: TOPIC });
  await sendAll("1");
  emulator.answerWith({ api: "Produce", errorCode: TIMED_OUT, isStored: true, times: 3, topic: TOPIC });
  await sendAll("2");
  expect(await storedByKey()).toEqual(new Map(keys.map((key) => [key, ["0", "1", "2"]])));
});

test("a message that a leader may have appended before it lost the leadership has an unknown outcome when its deadline passes", async () => {
  const producer = topic().producer({ retry: { initialDelayMs: 60_000, maxDelayMs: 60_000 }, deliveryTimeoutMs: 1_000 });
  emulator.answerWith({ api: "Produce", errorCode: NOT_LEADER, isStored: true, topic: TOPIC });
  await expect(producer.send({ key: "a", value: "stored" })).rejects.toMatchObject({ code: "outcome-unknown" });
  expect(await storedByKey()).toEqual(new Map([["a", ["stored"]]]));
});

test("a server without idempotent producers is an error that says which setting to leave off", async () => {
  const client = {
    initProducerId: async () => {
      throw new KafkaUnsupportedError("InitProducerId", [0, 1]);
    },
  } as Pick<KafkaClient, "initProducerId"> as KafkaClient;
  await expect(new ProducerSequences(client).renew(new AbortController().signal)).rejects.toMatchObject({
    code: "unsupported",
    retryable: false,
    message: expect.stringMatching(/no idempotent producers \(InitProducerId\): leave the setting idempotent off/),
    cause: { name: "KafkaUnsupportedError" },
  });
});
