import { expectEqual, expectSequence, expectTrue, expectUnsupported } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkComplete, checkExactlyOnceInOrder, checkOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { plainText } from "../../plain-codecs.ts";
import { publish, readAll, readStored, sendInterleaved } from "../../support/stream-steps.ts";

const durable = defineCase({
  name: "producing/receipts/durable-before-resolve",
  promise: 1,
  mutant: "acknowledges-before-storing",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const elsewhere = await context.connect();
    for (const key of keyNames(3)) {
      await context.within(producer.send({ value: history.next(topic.name, key) }), "a send to resolve");
      await readStored(context, history, topic, {}, elsewhere);
      checkComplete(history.sent, history.received);
    }
  },
});

const receiptNamesTheMessage = defineCase({
  name: "producing/receipts/receipt-names-the-message",
  promise: 1,
  mutant: "receipts-backwards",
  gates: {
    receiptPositions: async (context) => {
      const topic = await context.topic();
      const receipts = await publish(context, context.history(), topic, ["one"], 1);
      expectEqual(receipts[0]?.position, null, "a receipt has no position where receiptPositions is off");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const receipts = await publish(context, history, topic, keyNames(5), 4);
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
    for (const [index, sent] of history.sent.entries()) {
      const stored = history.received.find(({ key, sequence }) => key === sent.key && sequence === sent.sequence);
      expectEqual(receipts[index]?.partition, stored?.partition, "a receipt names the partition");
      expectEqual(receipts[index]?.position, stored?.position, "a receipt names the position");
    }
  },
});

const explicitPartition = defineCase({
  name: "producing/receipts/explicit-partition",
  promise: 1,
  mutant: "ignores-the-explicit-partition",
  gates: {
    explicitPartition: async (context) => {
      const topic = await context.topic();
      const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
      await expectUnsupported(async () => producer.send({ key: "one", value: "x", toPartition: topic.partitions[0] }), "explicitPartition");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    const sends = topic.partitions.flatMap((partition) =>
      ["a", "b", null].map((key) => producer.send({ key, value: partition, toPartition: partition })),
    );
    await context.within(Promise.all(sends), "the sends to resolve");
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(messages.length, sends.length, "all messages for explicit partitions are stored");
    for (const message of messages)
      expectEqual(message.partition, message.value, "a message is stored in the partition that was asked for");
    const keys = messages.filter(({ partition }) => partition === topic.partitions[0]).map(({ key }) => String(key));
    expectSequence(
      keys.toSorted(),
      ["a", "b", "null"],
      "keys of messages that were sent to one partition together, with and without a key",
    );
  },
});

const keyless = defineCase({
  name: "producing/receipts/keyless",
  promise: 1,
  mutant: "keyless-to-the-first-partition",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    const values = Array.from({ length: 60 }, (_, index) => String(index));
    // One at a time, because a provider may store the messages of one call in one partition.
    for (const value of values) await context.within(producer.send({ key: null, value }), "a send without a key to resolve");
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(new Set(messages.map(({ value }) => value)).size, values.length, "all messages without a key are stored");
    expectEqual(messages.length, values.length, "stored messages, none of them twice");
    expectTrue(
      messages.every(({ key }) => key === null),
      "messages without a key are stored without a key",
    );
    if (topic.partitions.length > 1) {
      expectTrue(new Set(messages.map(({ partition }) => partition)).size > 1, "messages without a key spread over the partitions");
    }
  },
});

const producerTimestamps = defineCase({
  name: "producing/receipts/producer-timestamps",
  promise: 1,
  mutant: "stamps-its-own-time",
  gates: {
    producerTimestamps: async (context) => {
      const topic = await context.topic();
      const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
      await expectUnsupported(async () => producer.send({ key: "one", value: "x", producedAt: new Date() }), "producerTimestamps");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    const hourAgo = Date.now() - 3_600_000;
    const times = [hourAgo + 500, new Date(hourAgo + 250), hourAgo];
    for (const producedAt of times) await context.within(producer.send({ key: "one", value: "x", producedAt }), "a send to resolve");
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectSequence(
      messages.map(({ timestamp }) => timestamp.getTime()),
      times.map(Number),
      "the producer's time is stored, in whatever order it comes",
    );
  },
});

const messageIds = defineCase({
  name: "producing/receipts/message-ids",
  promise: 2,
  mutant: "new-id-for-every-write",
  faults: ["fail-after-write"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const stream = sequencedTopic(context.connection, topic);
    const producer = stream.producer({ messageIds: true, retry: { initialDelayMs: 1, maxDelayMs: 10 } });
    await context.inject({ kind: "fail-after-write", topic: topic.name });
    await sendInterleaved(context, producer, history, topic, keyNames(4), 3);
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    const byMessage = new Map<string, string>();
    const byId = new Map<string, string>();
    for (const { value, headers } of messages) {
      const [name, id] = [`${value.key} #${value.sequence}`, headers["streamport-id"]];
      expectTrue(id !== undefined, "every message has the header streamport-id");
      expectEqual(byMessage.get(name) ?? id, id, `the id of ${name} is the same in every retry`);
      expectEqual(byId.get(id) ?? name, name, "an id belongs to one message");
      byMessage.set(name, id);
      byId.set(id, name);
    }
    expectEqual(byMessage.size, history.sent.length, "all messages are stored");
  },
});

const twoTopics = defineCase({
  name: "producing/receipts/two-topics",
  promise: 1,
  mutant: "crosses-topics",
  run: async (context) => {
    const [left, right] = [await context.topic(), await context.topic()];
    const [leftHistory, rightHistory] = [context.history(), context.history()];
    await Promise.all([publish(context, leftHistory, left, keyNames(5), 5), publish(context, rightHistory, right, keyNames(5), 5)]);
    await readStored(context, leftHistory, left);
    await readStored(context, rightHistory, right);
    checkExactlyOnceInOrder(leftHistory.sent, leftHistory.received, left.name);
    checkExactlyOnceInOrder(rightHistory.sent, rightHistory.received, right.name);
  },
});

const forwarded = defineCase({
  name: "producing/receipts/forward-a-received-message",
  promise: 1,
  mutant: "loses-headers",
  run: async (context) => {
    const [source, target] = [await context.topic(), await context.topic()];
    const streams = [source, target].map(({ name }) => context.connection.topic(name, { codec: plainText }));
    const [from, to] = [streams[0]!, streams[1]!];
    const first = from.producer();
    for (let index = 0; index < 6; index += 1) {
      await context.within(
        first.send({ key: `key-${index % 2}`, value: String(index), headers: { number: String(index) } }),
        "a send to resolve",
      );
    }
    const second = to.producer();
    for (const message of await readAll(context, from, { from: source.start, until: "now" })) {
      await context.within(second.send({ ...message }), "a received message to be sent on");
    }
    const messages = await readAll(context, to, { from: target.start, until: "now" });
    expectEqual(messages.length, 6, "every message arrives at the second topic");
    checkOrder(messages.map(({ key, value }) => ({ key: key ?? "", sequence: Number(value), topic: target.name })));
    for (const message of messages) {
      expectEqual(message.headers["number"], message.value, "headers go with a forwarded message");
      expectEqual(message.key, `key-${Number(message.value) % 2}`, "the key goes with a forwarded message");
    }
  },
});

export const producingReceiptsCases = [
  durable,
  receiptNamesTheMessage,
  explicitPartition,
  keyless,
  producerTimestamps,
  messageIds,
  twoTopics,
  forwarded,
];
