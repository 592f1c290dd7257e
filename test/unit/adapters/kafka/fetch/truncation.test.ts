import { expect, test } from "vitest";
import { type EmulatedKafka, startEmulatedKafka } from "../../../../../localstack/kafka/broker/emulated-kafka.ts";
import { type Connection, type Consumer, connect, text } from "../../../../../src/index.ts";

// An unclean election removes the end of a log, and other messages get its offsets. A reader that has read the lost records, and a group
// that has committed them, get an error, because they would otherwise skip the new messages.

const TOPIC = "flights";
const GROUP = "delays";

async function start(brokers = 1): Promise<EmulatedKafka> {
  return startEmulatedKafka({ brokers, topics: { [TOPIC]: { partitions: 1 } } });
}

function flights(connection: Connection) {
  return connection.topic(TOPIC, { codec: text(), key: () => "ATL" });
}

async function send(connection: Connection, ...values: readonly string[]): Promise<void> {
  await using producer = flights(connection).producer();
  for (const value of values) await producer.send({ value });
}

/** The messages that a member of the group handles, and the error that ends it. */
function handle(consumer: Consumer<string>) {
  const handled: string[] = [];
  const ended = consumer.run(({ value }) => handled.push(value)).catch((error: unknown) => error);
  return { handled, ended };
}

async function handleAll(connection: Connection, count: number): Promise<readonly string[]> {
  await using consumer = flights(connection).consumer({ group: GROUP });
  const { handled } = handle(consumer);
  await expect.poll(() => handled).toHaveLength(count);
  return handled;
}

const TRUNCATED = { code: "position-out-of-range", topic: TOPIC, partition: "0", message: expect.stringMatching(/truncated/) };

test.each([1, 3])(
  "a reader that has read lost records gets an error, with %i brokers, even if the log has grown again",
  async (brokers) => {
    await using kafka = await start(brokers);
    await using connection = await connect(kafka.url);
    await send(connection, "a", "b", "c");
    const read: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const { value } of flights(connection).reader({ from: "earliest" })) {
        read.push(value);
        if (read.length < 3) continue;
        if (read.length > 3) throw new Error(`read ${value}`);
        kafka.truncate(TOPIC, 0, 1n);
        await send(connection, "B", "C", "D", "E");
      }
    };
    await expect(reading()).rejects.toMatchObject(TRUNCATED);
    expect(read).toEqual(["a", "b", "c"]);
  },
);

test("a member that has handled lost records gets an error", async () => {
  await using kafka = await start();
  await using connection = await connect(kafka.url);
  await send(connection, "a", "b", "c");
  await using consumer = flights(connection).consumer({ group: GROUP, initialPosition: "earliest" });
  const { handled, ended } = handle(consumer);
  await expect.poll(() => handled).toHaveLength(3);
  kafka.truncate(TOPIC, 0, 2n);
  await send(connection, "C", "D");
  expect(await ended).toMatchObject(TRUNCATED);
  expect(handled).toEqual(["a", "b", "c"]);
});

test("a group that has committed lost records gets an error at each start, until it is reset", async () => {
  await using kafka = await start();
  await using connection = await connect(kafka.url, { require: ["groupReset"] });
  await using first = flights(connection).consumer({ group: GROUP, initialPosition: "earliest" });
  const before = handle(first);
  await send(connection, "a", "b", "c");
  await expect.poll(() => before.handled).toHaveLength(3);
  await first.close();
  kafka.truncate(TOPIC, 0, 1n);
  await send(connection, "B", "C", "D", "E");
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await using consumer = flights(connection).consumer({ group: GROUP });
    const { handled, ended } = handle(consumer);
    expect(await ended).toMatchObject(TRUNCATED);
    expect(handled).toEqual([]);
  }
  await connection.admin.resetGroup(TOPIC, GROUP, "earliest");
  expect(await handleAll(connection, 5)).toEqual(["a", "B", "C", "D", "E"]);
});

test("the lag of a group that has committed lost records is no number, also once the log has grown again, until it is reset", async () => {
  await using kafka = await start(3);
  await using connection = await connect(kafka.url, { require: ["groupReset", "lagInMessages"] });
  await using first = flights(connection).consumer({ group: GROUP, initialPosition: "earliest" });
  const before = handle(first);
  await send(connection, "a", "b", "c", "d");
  await expect.poll(() => before.handled).toHaveLength(4);
  await first.close();
  await send(connection, "e");
  const consumer = flights(connection).consumer({ group: GROUP });
  const lags = async (): Promise<readonly unknown[]> =>
    Promise.all(
      [connection.admin.lag(TOPIC, GROUP), consumer.lag()].map((lag) =>
        lag.then(
          ({ messages }) => messages,
          (error: unknown) => error,
        ),
      ),
    );
  expect(await lags()).toEqual([1, 1]);
  // A new leader that has everything.
  kafka.moveLeader(TOPIC, 0);
  await send(connection, "f");
  expect(await lags()).toEqual([2, 2]);
  // One that lacks what the group has not read.
  kafka.truncate(TOPIC, 0, 4n);
  expect(await lags()).toEqual([0, 0]);
  await send(connection, "E");
  expect(await lags()).toEqual([1, 1]);
  // And one that lacks what it has committed.
  kafka.truncate(TOPIC, 0, 1n);
  const outOfRange = expect.objectContaining(TRUNCATED) as unknown;
  expect(await lags()).toEqual([outOfRange, outOfRange]);
  await send(connection, ...Array.from({ length: 20 }, (_, index) => `n${index}`));
  expect(await lags()).toEqual([outOfRange, outOfRange]);
  kafka.moveLeader(TOPIC, 0);
  await send(connection, "last");
  expect(await lags()).toEqual([outOfRange, outOfRange]);
  await connection.admin.resetGroup(TOPIC, GROUP, "earliest");
  expect(await lags()).toEqual([22, 22]);
});

test("a member or reader at the end of the remaining log continues, through every change of the leader", async () => {
  await using kafka = await start(3);
  await using connection = await connect(kafka.url);
  await using consumer = flights(connection).consumer({ group: GROUP, initialPosition: "earliest" });
  const { handled } = handle(consumer);
  await send(connection, "a", "b");
  await expect.poll(() => handled).toHaveLength(2);
  await consumer.close();
  kafka.moveLeader(TOPIC, 0);
  await send(connection, "lost");
  kafka.moveLeader(TOPIC, 0);
  kafka.truncate(TOPIC, 0, 2n);
  kafka.moveLeader(TOPIC, 0);
  await send(connection, "c");
  kafka.moveLeader(TOPIC, 0);
  await send(connection, "d");
  expect(await handleAll(connection, 2)).toEqual(["c", "d"]);
  kafka.moveLeader(TOPIC, 0);
  await send(connection, "e");
  expect(await handleAll(connection, 1)).toEqual(["e"]);
});

test.each([false, true])("a producer continues after the lost records, idempotent: %s", async (idempotent) => {
  await using kafka = await start(3);
  await using connection = await connect(`${kafka.url}?idempotent=${idempotent}`);
  const producer = flights(connection).producer();
  for (const value of ["a", "b", "c"]) await producer.send({ value });
  kafka.truncate(TOPIC, 0, 1n);
  for (const value of ["d", "e"]) await producer.send({ value });
  await producer.close();
  const values: string[] = [];
  for await (const { value } of flights(connection).reader({ until: "now" })) values.push(value);
  expect(values).toEqual(["a", "d", "e"]);
});
