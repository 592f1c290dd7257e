import { setImmediate as nextTurn, setTimeout as later } from "node:timers/promises";
import type { Receipt } from "../../receipt.ts";
import { expectTrue } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { DEFAULT_TOPIC, sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkAtLeastOnceInOrder, checkComplete, checkNoDuplicates, checkNothingForeign, checkOrder } from "../history/check.ts";
import { keyNames, sequencedCodec } from "../history/sequenced.ts";
import { refusesPartitions, reshapeGates } from "../reshard-steps.ts";
import { publish, readStored, sendInterleaved, untilComplete } from "../stream-steps.ts";

const FEWER = DEFAULT_TOPIC.partitions / 2;
const MORE = DEFAULT_TOPIC.partitions * 2;
const KEYS = keyNames(24);

const whileSending = defineCase({
  name: "producing/growth-while-sending",
  promise: 7,
  mutant: "refuses-after-growth",
  gates: reshapeGates("partitionGrowth", MORE),
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const sends: Promise<Receipt>[] = [];
    const send = (): void => {
      for (const key of KEYS) sends.push(context.later(producer.send({ value: history.next(topic.name, key) })));
    };
    for (const partitions of [MORE, MORE + 2]) {
      const growing = context.later(context.admin.updateTopic(topic.name, { partitions, mayReorder: true }));
      for (let tick = 0; tick < 8; tick += 1) {
        send();
        await nextTurn();
      }
      await context.within(growing, `the topic to grow to ${partitions} partitions`);
      send();
    }
    await context.within(Promise.all(sends), "every send to resolve while the topic grows");
    // Of other keys, for it is another producer; and one that finds the topic as it is now.
    const newcomers = keyNames(48).map((key) => `new-${key}`);
    await publish(context, history, topic, newcomers, 1);
    await readStored(context, history, topic);
    checkNothingForeign(history.sent, history.received, topic.name);
    checkComplete(history.sent, history.received);
    checkNoDuplicates(history.received);
    if (context.capabilities.growthKeepsKeyOrder) checkOrder(history.received);
    expectTrue(
      history.received.some(({ partition }) => !topic.partitions.includes(partition)),
      "what is sent to a topic that has grown is stored in its new partitions as well",
    );
  },
});

/** Where a key belongs is everybody's: a producer from before growth puts it where a new one does, once it knows of it. */
const knowsTheGrowth = defineCase({
  name: "producing/growth-moves-keys-alike",
  promise: 7,
  mutant: "keeps-the-lanes-from-before-growth",
  gates: reshapeGates("partitionGrowth", MORE),
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const stream = sequencedTopic(context.connection, topic);
    const before = stream.producer();
    // Twice: where a key goes is known, and so can be remembered, from the second time on.
    for (let time = 0; time < 2; time += 1) await sendInterleaved(context, before, history, topic, KEYS, 1);
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE, mayReorder: true }), "the topic to grow");
    const { partitions } = await context.admin.describeTopic(topic.name);
    const added = partitions.filter((partition) => !topic.partitions.includes(partition));
    if (context.capabilities.explicitPartition) {
      // Whoever does not look by itself finds out by this.
      const sends = added.map(async (partition) =>
        before.send({ value: history.next(topic.name, `to-${partition}`), toPartition: partition }),
      );
      await context.within(Promise.all(sends), "messages to new partitions to be stored");
    }
    const after = (await context.connect()).topic(topic.name, { codec: sequencedCodec, key: ({ key }) => key }).producer();
    const partitionsOf = async (producer: typeof before): Promise<ReadonlyMap<string, string>> => {
      const page = history.continued();
      await sendInterleaved(context, producer, page, topic, KEYS, 1);
      const stored = context.history();
      await readStored(context, stored, topic);
      for (const value of page.sent) history.next(topic.name, value.key);
      const newest = new Map(page.sent.map(({ key, sequence }) => [key, sequence]));
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
      () => `a producer to put keys where they belong since the topic has grown; elsewhere are ${strays.join(", ")}`,
    );
  },
});

/** Two members share a topic whose shards are split or merged under traffic. */
async function changeAmongMembers(context: CaseContext, changes: readonly number[]): Promise<void> {
  const topic = await context.topic();
  const history = context.history();
  const group = await context.group(topic);
  const producer = sequencedTopic(context.connection, topic).producer();
  const members = [context.connection, await context.connect()].map((connection, index) =>
    context.member(
      topic,
      { group, concurrency: 4, commit: { everyMs: 10 } },
      async (message) => {
        await later(1);
        history.receive(message, `member-${index}`);
      },
      connection,
    ),
  );
  for (const partitions of changes) {
    await sendInterleaved(context, producer, history, topic, KEYS, 2);
    await context.within(context.admin.updateTopic(topic.name, { partitions }), `the topic to change to ${partitions} partitions`);
    await sendInterleaved(context, producer, history, topic, KEYS, 2);
  }
  await untilComplete(context, history);
  await Promise.all(members.map(async (member) => member.close()));
  checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
}

const splitAmong = defineCase({
  name: "group/reshard/split-among-members",
  promise: 7,
  mutant: "children-before-parents",
  gates: { ...reshapeGates("partitionGrowth", MORE), growthKeepsKeyOrder: refusesPartitions("growthKeepsKeyOrder", MORE) },
  run: async (context) => changeAmongMembers(context, [MORE, MORE + 3]),
});

const mergeAmong = defineCase({
  name: "group/reshard/merge-among-members",
  promise: 7,
  mutant: "children-before-parents",
  gates: reshapeGates("partitionMerge", FEWER),
  run: async (context) => changeAmongMembers(context, [FEWER, 1]),
});

const thereAndBack = defineCase({
  name: "group/reshard/split-and-merge",
  promise: 7,
  mutant: "children-before-parents",
  gates: { ...reshapeGates("partitionMerge", FEWER), partitionGrowth: refusesPartitions("partitionGrowth", MORE) },
  run: async (context) => changeAmongMembers(context, [MORE, FEWER, MORE]),
});

export const reshardTrafficCases = [whileSending, knowsTheGrowth, splitAmong, mergeAmong, thereAndBack];
