import { expectBytes, expectEqual, expectTrue, expectUnsupported } from "../../assertions.ts";
import { EnvironmentMissing } from "../../case-outcome.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../../history/sequenced.ts";
import { plainText } from "../../plain-codecs.ts";
import { publish, readAll, readStored } from "../../support/stream-steps.ts";

/** Keys that are easily confused with each other, or with no key. */
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
    expectBytes(message?.raw.key ?? null, Buffer.from("fffe206b65792080", "hex"), "a key that is not text is read back unchanged");
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

const independentKeys = defineCase({
  name: "ordering/keys/independent-keys",
  promise: 3,
  mutant: "one-lane-for-all",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const keys = keyNames(12);
    // Finds the partition of each key: where the provider orders by partition, a slow key delays the keys of its partition.
    await publish(context, history, topic, keys, 1);
    await readStored(context, history, topic);
    const partitionOf = new Map(history.received.map(({ key, partition }) => [key, partition]));
    const slow = keys[0]!;
    const shares = (key: string): boolean =>
      context.capabilities.orderingUnit === "partition" && partitionOf.get(key) === partitionOf.get(slow);
    const others = keys.filter((key) => key !== slow && !shares(key));
    if (others.length === 0) throw new EnvironmentMissing("topics: twelve keys are all in one partition");
    const latch = context.latch();
    const codec = {
      ...sequencedCodec,
      encode: async (value: Sequenced): Promise<Uint8Array> => {
        if (value.key === slow) await latch.opened;
        return sequencedCodec.encode(value, { topic: topic.name, key: value.key, headers: {} });
      },
    };
    const producer = context.connection.topic(topic.name, { codec, key: (value: Sequenced) => value.key }).producer();
    await context.within(
      Promise.all(others.map((key) => producer.send({ value: history.next(topic.name, key) }))),
      "sends before the slow key",
    );
    const slowSend = context.later(producer.send({ value: history.next(topic.name, slow) }));
    const sends = others.map((key) => producer.send({ value: history.next(topic.name, key) }));
    await context.within(Promise.all(sends), "other keys to be stored while one is slow");
    latch.open();
    await context.within(slowSend, "the slow key to be stored in the end");
  },
});

export const orderingKeysCases = [roundTrip, binary, onePartition, independentKeys];
