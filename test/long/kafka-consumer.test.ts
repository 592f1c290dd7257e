import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { type KafkaCluster, type KafkaOptions, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { type Connection, connect } from "../../src/index.ts";
import { GroupWatch, until } from "../kafka/group-watch.ts";

const missing = kafkaRequirements();

describe.runIf(missing !== null)("groups on brokers that fail", () => {
  test(`environment-missing: ${missing}`, async () => {
    await expect(startKafka()).rejects.toThrow(missing ?? "");
  });
});

describe.runIf(missing === null)("groups on brokers that fail", () => {
  let cluster: KafkaCluster | undefined;
  let connection: Connection<"topicAdmin"> | undefined;

  afterEach(async () => {
    await connection?.close();
    await cluster?.stop();
  });

  async function newGroup(options: KafkaOptions, partitions: number): Promise<{ brokers: KafkaCluster["brokers"]; watch: GroupWatch }> {
    cluster = await startKafka(options);
    connection = await connect(cluster.url, { require: ["topicAdmin"] });
    const topic = `orders-${randomUUID()}`;
    await connection.admin.createTopic(topic, { partitions });
    return { brokers: cluster.brokers, watch: new GroupWatch(connection, topic) };
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
