import { expectBytes, expectEqual, expectTrue, expectUnsupported } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { plainText } from "../../plain-codecs.ts";
import { publish, readAll, readStored } from "../../support/stream-steps.ts";

/** Keys that are easily taken for one another, or for none. */
const ALIKE_KEYS = ["é", "e\u0301", "Key", "key", " key", "key ", "0", "00", "null", "🛫 to ☂", "a/b?c#d%20", "k".repeat(128)];

const roundTrip = defineCase({
  name: "ordering/keys/round-trip",
  promise: 2,
  mutant: "folds-keys",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, ALIKE_KEYS, 3);
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const BINARY_KEY = "\udcff\udcfe key \udc80";

const binary = defineCase({
  name: "ordering/keys/binary",
  promise: 2,
  mutant: "keys-through-text",
  gates: {
    binaryKeys: async (context) => {
      const topic = await context.topic();
      const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
      await expectUnsupported(async () => producer.send({ key: BINARY_KEY, value: "x" }), "binaryKeys");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    await context.within(stream.producer().send({ key: BINARY_KEY, value: "x" }), "a send to resolve");
    const [message] = await readAll(context, stream, { from: topic.start, until: "now" });
    expectBytes(message?.raw.key ?? null, Buffer.from("fffe206b65792080", "hex"), "a key that is no text comes back unchanged");
    expectEqual(message?.key, BINARY_KEY, "its bytes show as lone surrogates");
  },
});

const onePartition = defineCase({
  name: "ordering/keys/one-partition",
  promise: 2,
  mutant: "spreads-keys",
  gates: {
    partitions: async (context) => {
      const topic = await context.topic();
      const history = context.history();
      await publish(context, history, topic, keyNames(6), 2);
      await readStored(context, history, topic);
      expectEqual(topic.partitions.join(), "0", "without partitions a topic shows one, named 0");
      expectTrue(
        history.received.every(({ partition }) => partition === "0"),
        "without partitions every message is of partition 0",
      );
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(24), 4);
    await readStored(context, history, topic);
    const partitionOf = new Map<string, string>();
    for (const { key, partition } of history.received) {
      expectEqual(partition, partitionOf.get(key) ?? partition, "all messages of a key are in one partition");
      partitionOf.set(key, partition);
    }
    expectTrue(new Set(partitionOf.values()).size > 1, "keys spread over the partitions");
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const orderingKeysCases = [roundTrip, binary, onePartition];
