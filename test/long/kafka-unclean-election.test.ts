import { expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { runKafkaTool } from "../../localstack/kafka/kafka-tools.ts";
import { type Connection, connect, text } from "../../src/index.ts";
import { until } from "../kafka/group-watch.ts";

const missing = kafkaRequirements();
const GROUP = "workers";

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

function orders(connection: Connection) {
  return connection.topic("orders", { codec: text(), key: () => "k" });
}

async function send(connection: Connection, ...values: readonly string[]): Promise<void> {
  await using producer = orders(connection).producer({ deliveryTimeoutMs: 60_000 });
  for (const value of values) await producer.send({ value });
}

async function readAll(connection: Connection): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const { value } of orders(connection).reader({ until: "now" })) values.push(value);
  return values;
}

/** On brokers 1 and 2 of three, one of which is enough for a write, and may lead though it lacks what the other has. */
async function createTopic(cluster: KafkaCluster): Promise<void> {
  const settings = ["--config", "min.insync.replicas=1", "--config", "unclean.leader.election.enable=true"];
  await runKafkaTool(cluster, "topics", ["--create", "--topic", "orders", "--replica-assignment", "1:2", ...settings]);
}

test.each(missing === null ? ["Kafka"] : [])(
  "a real %s elects a leader that lacks what was read: reader and group are told, although the log has grown again",
  { timeout: 240_000 },
  async () => {
    await using cluster = await startKafka({ brokers: 3 });
    const [first, second] = cluster.brokers;
    await createTopic(cluster);
    await using connection = await connect(cluster.url, { require: ["groupReset", "lagInMessages"] });
    await send(connection, "a");
    await second!.kill();
    await send(connection, "b", "c");

    const read: string[] = [];
    const reading = (async () => {
      for await (const { value } of orders(connection).reader({ from: "earliest" })) read.push(value);
    })().catch((error: unknown) => error);
    await expect.poll(() => read, { timeout: 60_000 }).toEqual(["a", "b", "c"]);
    const before: string[] = [];
    const consumer = orders(connection).consumer({ group: GROUP, initialPosition: "earliest" });
    const running = consumer.run(({ value }) => before.push(value));
    await expect.poll(() => before, { timeout: 60_000 }).toEqual(["a", "b", "c"]);
    await consumer.close();
    await running;

    await first!.kill();
    await second!.start();
    await send(connection, "B", "C", "D", "E");
    expect(await readAll(connection)).toEqual(["a", "B", "C", "D", "E"]);
    expect(await reading).toMatchObject({ code: "position-out-of-range", message: expect.stringMatching(/truncated to offset 1/) });
    expect(read).toEqual(["a", "b", "c"]);

    await using again = orders(connection).consumer({ group: GROUP });
    const handled: string[] = [];
    await expect(again.run(({ value }) => handled.push(value))).rejects.toMatchObject({ code: "position-out-of-range" });
    expect(handled).toEqual([]);
    // The offset is in the log, but it is another record's.
    const lag = connection.admin.lag("orders", GROUP);
    await expect(lag).rejects.toMatchObject({ code: "position-out-of-range", message: expect.stringMatching(/truncated to offset 1/) });
    await connection.admin.resetGroup("orders", GROUP, "earliest");
    expect(await connection.admin.lag("orders", GROUP)).toMatchObject({ messages: 5 });
  },
);

test.each(missing === null ? ["Kafka"] : [])(
  "a group on a real %s never skips a message that took the offset of one that it had handled ahead, whichever log is elected",
  { timeout: 300_000 },
  async () => {
    await using cluster = await startKafka({ brokers: 3 });
    const [first, second] = cluster.brokers;
    await createTopic(cluster);
    await using connection = await connect(cluster.url, { require: ["lagInMessages"] });
    const sendEach = async (...values: readonly string[]): Promise<void> => {
      await using producer = connection.topic("orders", { codec: text() }).producer({ deliveryTimeoutMs: 60_000 });
      for (const value of values) await producer.send({ key: value, value });
    };
    /** Runs a member until it has begun these messages, with "a" never finished, and closes it. */
    const handle = async (...expected: readonly string[]): Promise<void> => {
      const begun: string[] = [];
      const topic = connection.topic("orders", { codec: text() });
      const consumer = topic.consumer({ group: GROUP, concurrency: 10, commit: { everyMs: 50 } });
      const running = consumer.run(async ({ value }, { signal }) => {
        begun.push(value);
        if (value === "a") await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
      });
      const beginning = until(() => begun.length >= expected.length, `${expected.join(", ")} to be begun`, 60_000);
      await Promise.race([running, beginning]);
      await consumer.close({ timeoutMs: 3_000 });
      await running;
      expect(begun).toEqual(expected);
    };
    const lag = async () => (await connection.admin.lag("orders", GROUP)).messages;
    await sendEach("a");
    await second!.kill();
    await sendEach("b", "c", "d");
    await handle("a", "b", "c", "d");
    expect(await lag()).toBe(1);
    await handle("a");

    await first!.kill();
    await second!.start();
    await sendEach("B", "C", "D", "E");
    expect(await lag()).toBe(5);
    await handle("a", "B", "C", "D", "E");
    expect(await lag()).toBe(1);
    await handle("a");

    // The log of the first leader is back, with its earlier epoch.
    await second!.kill();
    await first!.start();
    await sendEach("f", "g");
    expect(await lag()).toBe(6);
    await handle("a", "b", "c", "d", "f", "g");
    expect(await lag()).toBe(1);
    await handle("a");
  },
);
