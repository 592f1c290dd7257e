import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, type ConsumerOptions, connect, isStreamError } from "../../src/index.ts";
import { GroupWatch, until } from "../kafka/group-watch.ts";

const missing = kafkaRequirements();
/** The least that a server takes. */
const RETENTION_MS = 60_000;
const FIRST = 100;
const AWAY = 50;

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

// Logs whose retention has passed a place are in kafka-retention.test.ts; here the log is whole, and the place is gone.
describe.each(missing === null ? ["Kafka"] : [])("places of groups that a real %s has dropped after its time for them", () => {
  let cluster: KafkaCluster;
  let connection: Connection<"topicAdmin" | "groupAdmin" | "lagInMessages">;

  beforeAll(async () => {
    cluster = await startKafka({
      profile: "default",
      properties: { "offsets.retention.minutes": "1", "offsets.retention.check.interval.ms": "1000" },
    });
    connection = await connect(cluster.url, { require: ["topicAdmin", "groupAdmin", "lagInMessages"] });
  });

  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  async function newGroup() {
    const topic = `orders-${randomUUID()}`;
    await connection.admin.createTopic(topic, { partitions: 3 });
    const watch = new GroupWatch(connection, topic);
    const join = (name: string, options: Partial<ConsumerOptions> = {}) => watch.join(name, { sessionTimeoutMs: 6_000, ...options });
    await watch.send(FIRST);
    const member = join("before");
    await watch.complete(30_000);
    return { topic, watch, join, member };
  }

  /** Of which something is stored while it is away. */
  async function stoppedGroup() {
    const { topic, watch, join, member } = await newGroup();
    await member.close();
    const stoppedAtMs = Date.now();
    await sleep(20);
    const awayAt = new Date();
    await watch.send(AWAY);
    expect(await connection.admin.lag(topic, "workers")).toMatchObject({ messages: AWAY });
    const isGone = async (): Promise<boolean> => {
      try {
        await connection.admin.describeGroup(topic, "workers");
        return false;
      } catch (error) {
        if (!isStreamError(error, "not-found")) throw error;
        return true;
      }
    };
    return {
      topic,
      watch,
      join,
      awayAt,
      expire: async (): Promise<void> => {
        await until(isGone, "the server has dropped the group's places", RETENTION_MS * 2);
        // By its time, and not by what the test did.
        expect(Date.now() - stoppedAtMs).toBeGreaterThan(RETENTION_MS - 5_000);
      },
      handledSince: () => watch.handled.slice(FIRST).length,
    };
  }

  type Stopped = Awaited<ReturnType<typeof stoppedGroup>>;

  const STARTS: Readonly<Record<string, (group: Stopped) => Promise<void>>> = {
    earliest: async ({ join, handledSince, watch }) => {
      const after = join("after", { initialPosition: "earliest" });
      await until(() => handledSince() === FIRST + AWAY, "everything handled, what had been handled before too", 30_000);
      expect(watch.sequences).toEqual(watch.expected);
      await after.close();
    },
    latest: async ({ topic, join, handledSince, watch }) => {
      const after = join("after", { initialPosition: "latest" });
      await watch.shared([after], [3]);
      // Stored before the first delivery: the place is there at once, in idle partitions too.
      await until(async () => (await lagOf(topic)) === 0, "no lag", 30_000);
      await watch.send(30, 30);
      await until(() => handledSince() >= 30, "what came after the start");
      await after.close();
      expect(handledSince()).toBe(30);
    },
    "a time": async ({ join, awayAt, handledSince }) => {
      const after = join("after", { initialPosition: { timestamp: awayAt } });
      await until(() => handledSince() >= AWAY, "what was stored while the group was away", 30_000);
      await after.close();
      expect(handledSince()).toBe(AWAY);
    },
    fail: async ({ topic, join, handledSince }) => {
      await expect(join("after", { initialPosition: "fail" }).running).rejects.toMatchObject({ code: "not-found", provider: "kafka" });
      expect(handledSince()).toBe(0);
      expect(await connection.admin.listGroups(topic)).toEqual([]);
    },
  };

  const lagOf = async (topic: string): Promise<number | null> => {
    try {
      return (await connection.admin.lag(topic, "workers")).messages;
    } catch (error) {
      if (!isStreamError(error, "not-found")) throw error;
      return null;
    }
  };

  // They wait together.
  test.concurrent.each(Object.keys(STARTS))("the next start of the group follows its initialPosition: %s", async (kind) => {
    const group = await stoppedGroup();
    await group.expire();
    await STARTS[kind]!(group);
  });

  test.concurrent("a member that has nothing to do for longer keeps its places", async () => {
    const { topic, watch, join, member } = await newGroup();
    await sleep(RETENTION_MS + 15_000);
    expect(await lagOf(topic)).toBe(0);
    await member.close();
    await watch.send(AWAY);
    // It would show here: at the latest there is nothing to handle, at the earliest too much.
    const after = join("after", { initialPosition: "latest" });
    await watch.complete(30_000);
    expect(watch.repeats).toBe(0);
    await after.close();
  });
});
