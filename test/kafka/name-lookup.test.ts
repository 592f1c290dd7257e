import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafka } from "../../adapters/kafka/index.ts";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { connect, text } from "../../src/index.ts";
import { GroupWatch, until } from "./group-watch.ts";
import { NamedBrokers } from "./named-brokers.ts";

const missing = kafkaRequirements();
const START_TIMEOUT_MS = 120_000;

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("names of the brokers of a real %s", () => {
  let cluster: KafkaCluster;

  beforeAll(async () => {
    cluster = await startKafka();
  }, START_TIMEOUT_MS);

  afterAll(() => cluster.stop());

  test.each(["ENOTFOUND", "EAI_AGAIN"] as const)(
    "that are not found for some time (%s) end no member, reader or producer",
    async (answer) => {
      const names = new NamedBrokers();
      const driver = kafka({ brokers: cluster.bootstrapServers.split(","), kafkajs: { socketFactory: names.socketFactory } });
      await using connection = await connect(driver, { require: ["topicAdmin"] });
      const name = `named-${randomUUID()}`;
      await connection.admin.createTopic(name, { partitions: 4 });
      const watch = new GroupWatch(connection, name);
      const member = watch.join("a");
      await watch.shared([member], [4]);
      const read: string[] = [];
      const reader = connection.topic(name, { codec: text() }).reader();
      const reading = (async () => {
        for await (const { value } of reader) read.push(value);
      })();
      await watch.send(200);
      await watch.complete();
      await until(() => read.length === 200, "200 messages read");
      names.answer = answer;
      names.disconnect();
      // Long enough for attempts of everything in the background, including the look-up of the topic.
      await until(() => names.missed > 20, "the brokers' names looked up again and again");
      const sending = watch.send(200);
      const missedBefore = names.missed;
      await until(() => names.missed > missedBefore + 5, "the producer has tried");
      names.answer = "found";
      await sending;
      await watch.complete();
      await until(() => read.length === 400, "400 messages read");
      expect(watch.sequences).toEqual(watch.expected);
      await watch.close();
      await member.running;
      await reader.close();
      await reading;
    },
  );
});
