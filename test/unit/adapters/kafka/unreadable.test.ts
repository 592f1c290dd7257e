import { expect, test } from "vitest";
import { type EmulatedKafka, startEmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";
import {
  type Connection,
  type Failure,
  type Message,
  type StreamError,
  bytes,
  connect,
  isStreamError,
  text,
} from "../../../../src/index.ts";

// How readers and members handle unreadable parts of a log, on the emulated Kafka.

const TOPIC = "flights";
const LETTERS = "letters";
const GROUP = "delays";

const start = (): Promise<EmulatedKafka> => startEmulatedKafka({ topics: { [TOPIC]: { partitions: 1 }, [LETTERS]: { partitions: 1 } } });
const open = async (url: string) => connect(url, { require: ["groupReset", "lagInMessages", "startAtPosition"] });
const flights = (connection: Connection) => connection.topic(TOPIC, { codec: text() });

/** Offsets 0, a damaged batch of 1 to 3, and 4. */
async function damaged(connection: Connection, emulator: EmulatedKafka): Promise<readonly string[]> {
  await using producer = flights(connection).producer();
  const send = async (...values: readonly string[]) =>
    producer.sendBatch(values.map((value, index) => ({ key: `key-${index % 2}`, value })));
  await send("before");
  const receipts = await send("one", "two", "three");
  emulator.damage(TOPIC, "0");
  await send("behind");
  return receipts.map(({ position }) => position!);
}

const ofTheBatch = (positions: readonly string[]) => ({
  code: "corrupt",
  partition: "0",
  position: positions.at(-1),
  message: expect.stringMatching(/offsets 1 to 3 of partition "0".*checksum/),
});

async function rejection(call: Promise<unknown>): Promise<StreamError> {
  const error = await call.then(
    () => expect.unreachable(),
    (thrown: unknown) => thrown,
  );
  if (!isStreamError(error)) throw error;
  return error;
}

test.each(["none", "gzip", "zstd"])("a damaged batch (%s) is one failure with its first and last offset", async (compression) => {
  await using emulator = await start();
  await using connection = await open(`${emulator.url}?compression=${compression}`);
  const positions = await damaged(connection, emulator);
  const failures: Failure[] = [];
  const handled: string[] = [];
  const onFailure = (failure: Failure) => {
    failures.push(failure);
    return { deadLetter: LETTERS };
  };
  await using consumer = flights(connection).consumer({ group: GROUP, concurrency: 4, onFailure, commit: { everyMs: 10 } });
  void consumer.run(({ value }) => void handled.push(value));
  await expect.poll(() => handled).toEqual(["before", "behind"]);
  expect(failures.map(({ error }) => error)).toEqual([expect.objectContaining(ofTheBatch(positions))]);
  await expect.poll(async () => (await connection.admin.lag(TOPIC, GROUP)).messages).toBe(0);
  const letters: Message<Uint8Array>[] = [];
  for await (const letter of connection.topic(LETTERS, { codec: bytes() }).reader({ until: "now" })) letters.push(letter);
  expect(letters.map(({ key, value }) => [key, value])).toEqual([[null, new Uint8Array(0)]]);
  expect(letters[0]!.headers["streamport-failure-message"]).toMatch(/offsets 1 to 3/);
});

test("a group that stopped before a damaged batch continues after a reset, or by skipping", async () => {
  await using emulator = await start();
  await using connection = await open(emulator.url);
  const positions = await damaged(connection, emulator);
  const handled: string[] = [];
  const run = async (group: string): Promise<void> => {
    await using consumer = flights(connection).consumer({ group });
    await consumer.run(({ value }) => void handled.push(value));
  };
  const error = await rejection(run(GROUP));
  expect(error).toMatchObject(ofTheBatch(positions));
  expect(handled).toEqual(["before"]);
  expect((await connection.admin.lag(TOPIC, GROUP)).messages).toBe(4);
  await connection.admin.resetGroup(TOPIC, GROUP, { after: error.position! });
  void run(GROUP);
  await expect.poll(() => handled).toEqual(["before", "behind"]);
});

test("readers report it and continue after it, and ignore it if their range ends before it", async () => {
  await using emulator = await start();
  await using connection = await open(emulator.url);
  const positions = await damaged(connection, emulator);
  const stream = flights(connection);
  const reported: StreamError[] = [];
  const values = async (range: Parameters<typeof stream.reader>[0]): Promise<string[]> => {
    const found: string[] = [];
    for await (const { value } of stream.reader({ partitions: ["0"], onCorrupt: (error) => void reported.push(error), ...range }))
      found.push(value);
    return found;
  };
  const strict = stream.reader();
  const reading = async (): Promise<void> => {
    for await (const { value } of strict) expect(value).toBe("before");
  };
  const error = await rejection(reading());
  expect(error).toMatchObject(ofTheBatch(positions));
  const bookmark = await strict.bookmark();
  expect(await values({ until: { bookmark } })).toEqual(["before"]);
  expect(reported).toEqual([]);
  expect(await values({ from: { bookmark }, until: "now" })).toEqual(["behind"]);
  expect(reported).toEqual([expect.objectContaining(ofTheBatch(positions))]);
  expect(await values({ from: { after: error.position! }, until: "now" })).toEqual(["behind"]);
  // A range may end or start in the middle of it.
  expect(await values({ until: { through: positions[0]! } })).toEqual(["before"]);
  expect(await values({ from: { at: positions[1]! }, until: "now" })).toEqual(["behind"]);
  expect(reported.slice(1).map(({ message }) => /offsets? \d+(?: to \d+)?/.exec(message)?.[0])).toEqual([
    "offsets 1 to 3",
    "offsets 2 to 3",
  ]);
});

test("a batch that was damaged on its way is sound when it is fetched again", async () => {
  await using emulator = await start();
  await using connection = await open(emulator.url);
  await using producer = flights(connection).producer();
  await producer.sendBatch(["one", "two"].map((value) => ({ key: "key", value })));
  emulator.damage(TOPIC, "0", { times: 1 });
  const values: string[] = [];
  for await (const { value } of flights(connection).reader({ until: "now" })) values.push(value);
  expect(values).toEqual(["one", "two"]);
});

test("only stored batches can be damaged", async () => {
  await using emulator = await start();
  const refusal = (code: string) => expect.objectContaining({ code });
  expect(() => emulator.damage("nothing", "0")).toThrow(refusal("not-found"));
  expect(() => emulator.damage(TOPIC, "7")).toThrow(refusal("invalid-argument"));
  expect(() => emulator.damage(TOPIC, "0")).toThrow(refusal("invalid-argument"));
  expect(() => emulator.damage(TOPIC, "0", { times: 0 })).toThrow(refusal("invalid-argument"));
});
