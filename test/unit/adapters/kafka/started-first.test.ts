import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { kafka } from "../../../../adapters/kafka/index.ts";
import { startEmulatedKafka } from "../../../../localstack/kafka/broker/emulated-kafka.ts";
import { connect, text } from "../../../../src/index.ts";
import { freePort } from "../../../free-port.ts";
import { NamedBrokers } from "../../../kafka/named-brokers.ts";

test.each(["refused port", "unknown host"])(
  "a program may start before its broker (%s): everything continues when the broker is there",
  async (fault) => {
    const port = await freePort();
    const names = new NamedBrokers();
    if (fault === "unknown host") names.answer = "ENOTFOUND";
    const driver = kafka({ brokers: [`broker.example:${port}`], kafkajs: { socketFactory: names.socketFactory } });
    await using connection = await connect(driver, { require: ["topicAdmin", "lagInMessages"] });
    const topic = connection.topic("orders", { codec: text() });
    const handled: string[] = [];
    const consumer = topic.consumer({ group: "billing" });
    const running = consumer.run(({ value }) => void handled.push(value));
    const created = connection.admin.createTopic("payments");
    const first = topic.reader({ until: "now" })[Symbol.asyncIterator]().next();
    const sent = topic.producer().send({ key: "k", value: "one" });
    await sleep(1_500);
    await using _broker = await startEmulatedKafka({ port, topics: { orders: { partitions: 1 } } });
    names.answer = "found";
    await Promise.all([created, first, sent]);
    await expect.poll(() => handled, { timeout: 15_000 }).toEqual(["one"]);
    await consumer.close();
    await running;
  },
  60_000,
);
