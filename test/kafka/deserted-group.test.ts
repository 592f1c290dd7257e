import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { connect } from "../../src/index.ts";

const missing = kafkaRequirements();

// Tables of no or one row: what cannot run here is a test that says so, not a test that was skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

test.each(missing === null ? ["Kafka"] : [])(
  "a group of %s that its members left before they had a place can be deleted; one that is on other topics cannot",
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
