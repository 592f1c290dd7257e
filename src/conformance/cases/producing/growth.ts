import { setImmediate as nextTurn } from "node:timers/promises";
import type { Receipt } from "../../../receipt.ts";
import { expectTrue } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkComplete, checkNoDuplicates, checkNothingForeign, checkOrder } from "../../history/check.ts";
import { keyNames, sequencedCodec } from "../../history/sequenced.ts";
import { MORE_PARTITIONS, partitionChangeGates } from "../../support/partition-change.ts";
import { publish, readStored, sendInterleaved } from "../../support/stream-steps.ts";

const KEYS = keyNames(24);

const whileSending = defineCase({
  name: "producing/growth/growth-while-sending",
  promise: 7,
  mutant: "refuses-after-growth",
  gates: partitionChangeGates("partitionGrowth", MORE_PARTITIONS),
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const sends: Promise<Receipt>[] = [];
    const send = (): void => {
      for (const key of KEYS) sends.push(context.later(producer.send({ value: history.next(topic.name, key) })));
    };
    for (const partitions of [MORE_PARTITIONS, MORE_PARTITIONS + 2]) {
      const growing = context.later(context.admin.updateTopic(topic.name, { partitions, mayReorder: true }));
      for (let tick = 0; tick < 8; tick += 1) {
        send();
        await nextTurn();
      }
      await context.within(growing, `the topic to grow to ${partitions} partitions`);
      send();
    }
    await context.within(Promise.all(sends), "every send to resolve while the topic grows");
    // Another producer, so other keys. It opens after the topic has grown.
    const newcomers = keyNames(48).map((key) => `new-${key}`);
    await publish(context, history, topic, newcomers, 1);
    await readStored(context, history, topic);
    checkNothingForeign(history.sent, history.received, topic.name);
    checkComplete(history.sent, history.received);
    checkNoDuplicates(history.received);
    if (context.capabilities.growthKeepsKeyOrder) checkOrder(history.received);
    expectTrue(
      history.received.some(({ partition }) => !topic.partitions.includes(partition)),
      "messages sent to a topic that has grown are also stored in its new partitions",
    );
  },
});

/** All producers put a key into the same partition: also a producer from before the growth, once it has noticed the growth. */
const knowsTheGrowth = defineCase({
  name: "producing/growth/growth-moves-keys-alike",
  promise: 7,
  mutant: "keeps-the-lanes-from-before-growth",
  gates: partitionChangeGates("partitionGrowth", MORE_PARTITIONS),
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const stream = sequencedTopic(context.connection, topic);
    const before = stream.producer();
    // Twice: after the first time the producer may have cached the partition of a key.
    for (let time = 0; time < 2; time += 1) await sendInterleaved(context, before, history, topic, KEYS, 1);
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE_PARTITIONS, mayReorder: true }), "the topic to grow");
    const { partitions } = await context.admin.describeTopic(topic.name);
    const added = partitions.filter((partition) => !topic.partitions.includes(partition));
    if (context.capabilities.explicitPartition) {
      // These sends make a producer notice the growth if it does not check by itself.
      const sends = added.map(async (partition) =>
        before.send({ value: history.next(topic.name, `to-${partition}`), toPartition: partition }),
      );
      await context.within(Promise.all(sends), "messages to new partitions to be stored");
    }
    const after = (await context.connect()).topic(topic.name, { codec: sequencedCodec, key: ({ key }) => key }).producer();
    const partitionsOf = async (producer: typeof before): Promise<ReadonlyMap<string, string>> => {
      const current = history.continued();
      await sendInterleaved(context, producer, current, topic, KEYS, 1);
      const stored = context.history();
      await readStored(context, stored, topic);
      for (const value of current.sent) history.next(topic.name, value.key);
      const newest = new Map(current.sent.map(({ key, sequence }) => [key, sequence]));
      return new Map(
        stored.received.filter(({ key, sequence }) => newest.get(key) === sequence).map(({ key, partition }) => [key, partition]),
      );
    };
    let strays: readonly string[] = [];
    await context.deadline.untilAsked(
      async () => {
        const [old, young] = [await partitionsOf(before), await partitionsOf(after)];
        strays = KEYS.filter((key) => old.get(key) !== young.get(key));
        return strays.length === 0 && KEYS.some((key) => added.includes(young.get(key)!));
      },
      () => `an older producer to put keys into the same partitions as a new one; other partitions have ${strays.join(", ")}`,
    );
  },
});

export const producingGrowthCases = [whileSending, knowsTheGrowth];
