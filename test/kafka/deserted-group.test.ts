import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { connect } from "../../src/index.ts";

const missing = kafkaRequirements();

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

test.each(missing === null ? ["Kafka"] : [])(
  "a group of %s whose members left before the first commit can be deleted; one with other topics cannot",
  { timeout: 120_000 },
  async () => {
    await using cluster = await startKafka();
    const raw = new Kafka({ brokers: [cluster.bootstrapServers], logLevel: logLevel.NOTHING });
    const admin = raw.admin();
    await admin.connect();
    await using connection = await connect(cluster.url, { require: ["topicAdmin", "groupAdmin"] });
    await connection.admin.createTopic("orders", { partitions: 1 });
    await connection.admin.createTopic("others", { partitions: 1 });

    const consumer = raw.consumer({ groupId: "orders.deserted" });
    await consumer.connect();
    await consumer.subscribe({ topics: ["orders"] });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.run({ eachMessage: async () => undefined });
    await joined;
    await consumer.disconnect();

    const names = async (): Promise<readonly string[]> => (await admin.listGroups()).groups.map(({ groupId }) => groupId);
    expect(await names()).toEqual(["orders.deserted"]);
    await connection.admin.deleteGroup("orders", "deserted");
    expect(await names()).toEqual([]);
    await expect(connection.admin.deleteGroup("orders", "deserted")).rejects.toMatchObject({ code: "not-found" });

    await admin.setOffsets({ groupId: "orders.elsewhere", topic: "others", partitions: [{ partition: 0, offset: "0" }] });
    await expect(connection.admin.deleteGroup("orders", "elsewhere")).rejects.toMatchObject({ code: "not-found" });
    expect(await names()).toEqual(["orders.elsewhere"]);
    await admin.disconnect();
  },
);
