import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { createKafkaClient } from "../../adapters/kafka/client/kafkajs-client.ts";
import { clientSettingsOf } from "../../adapters/kafka/client/settings-of-options.ts";
import { type KafkaCluster, type KafkaOptions, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, connect } from "../../src/index.ts";
import { GroupWatch, until } from "../kafka/group-watch.ts";

const missing = kafkaRequirements();

// Tables of no or one row: what cannot run here is a test that says so, not a test that was skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("groups on brokers that fail, on a real %s", () => {
  let cluster: KafkaCluster | undefined;
  let connection: Connection<"topicAdmin" | "groupAdmin" | "lagInMessages"> | undefined;

  afterEach(async () => {
    await connection?.close();
    await cluster?.stop();
  });

  async function newGroup(
    options: KafkaOptions,
    partitions: number,
  ): Promise<{ topic: string; brokers: KafkaCluster["brokers"]; watch: GroupWatch }> {
    cluster = await startKafka(options);
    connection = await connect(cluster.url, { require: ["topicAdmin", "groupAdmin", "lagInMessages"] });
    const topic = `orders-${randomUUID()}`;
    await connection.admin.createTopic(topic, { partitions });
    return { topic, brokers: cluster.brokers, watch: new GroupWatch(connection, topic) };
  }

  async function coordinatorOf(brokers: KafkaCluster["brokers"], group: string): Promise<number> {
    const report = Object.assign(() => undefined, { wants: () => false });
    const client = createKafkaClient(clientSettingsOf({ brokers: brokers.map(({ address }) => address) }), report);
    try {
      return await client.findCoordinator(group, AbortSignal.timeout(10_000));
    } finally {
      await client.close();
    }
  }

  test("the only broker is killed in the middle, and started again: nothing is lost or reordered, no member ends", async () => {
    const { brokers, watch } = await newGroup({}, 6);
    const members = [watch.join("a", { sessionTimeoutMs: 6_000 }, 2), watch.join("b", { sessionTimeoutMs: 6_000 }, 2)];
    await watch.shared(members, [3, 3]);
    const trouble = async (): Promise<void> => {
      await sleep(500);
      await brokers[0]?.kill();
      await sleep(1_000);
      await brokers[0]?.start();
      await sleep(2_000);
    };
    await watch.sendWhile(trouble());
    await watch.complete(60_000);
    expect(watch.sequences).toEqual(watch.expected);
    await watch.shared(members, [3, 3]);
    await watch.close();
  });

  test("a broker that is frozen for longer than the session, and thawed: the group goes on", async () => {
    const { brokers, watch } = await newGroup({}, 4);
    await watch.send(2_000);
    watch.join("a", {}, 5);
    await until(() => watch.handled.length > 100, "100 messages handled");
    brokers[0]?.freeze();
    await sleep(5_000);
    brokers[0]?.thaw();
    await watch.complete(60_000);
    expect(watch.sequences).toEqual(watch.expected);
    await watch.close();
  });

  test("without a coordinator, calls about groups end after 30 s with unavailable, and work again when it is back", async () => {
    const { topic, brokers, watch } = await newGroup({ brokers: 3 }, 3);
    await watch.send(300);
    const member = watch.join("a");
    await watch.complete();
    await member.close();
    const coordinator = await coordinatorOf(brokers, `${topic}.workers`);
    // Of the two others one goes as well, so that no majority is left to find another coordinator.
    const gone = brokers.filter(({ nodeId }) => nodeId === coordinator || nodeId === (coordinator % 3) + 1);
    expect(gone).toHaveLength(2);
    await Promise.all(gone.map((broker) => broker.kill()));
    const { admin } = connection!;
    const calls = [
      () => admin.describeGroup(topic, "workers"),
      () => admin.lag(topic, "workers"),
      () => admin.deleteGroup(topic, "workers"),
    ];
    const ended = calls.map(async (call) => {
      const startedAtMs = performance.now();
      await expect(call()).rejects.toMatchObject({ code: "unavailable", provider: "kafka" });
      return performance.now() - startedAtMs;
    });
    for (const durationMs of await Promise.all(ended)) {
      expect(durationMs).toBeGreaterThan(25_000);
      expect(durationMs).toBeLessThan(40_000);
    }
    await Promise.all(gone.map((broker) => broker.start()));
    expect(await admin.lag(topic, "workers")).toMatchObject({ messages: 0 });
  });

  test("of three brokers one after the other is killed and comes back: nothing is lost or reordered", async () => {
    const { brokers, watch } = await newGroup({ brokers: 3 }, 6);
    const members = Array.from({ length: 3 }, (_, index) => watch.join(`m${index}`, { sessionTimeoutMs: 6_000 }, 2));
    await watch.shared(members, [2, 2, 2]);
    const trouble = async (): Promise<void> => {
      for (const broker of brokers) {
        await broker.kill();
        await sleep(4_000);
        await broker.start();
        await sleep(3_000);
      }
    };
    await watch.sendWhile(trouble());
    await watch.complete(60_000);
    expect(watch.sequences).toEqual(watch.expected);
    await watch.shared(members, [2, 2, 2]);
    await watch.close();
  });
});
