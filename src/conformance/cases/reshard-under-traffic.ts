import { setImmediate as nextTurn, setTimeout as later } from "node:timers/promises";
import type { Receipt } from "../../errors.ts";
import { expectTrue } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { DEFAULT_TOPIC, sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkAtLeastOnceInOrder, checkComplete, checkNoDuplicates, checkNothingForeign, checkOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { refusesPartitions, reshapeGates } from "../reshard-work.ts";
import { publish, readStored, sendInterleaved, untilComplete } from "../stream-work.ts";

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

export const reshardTrafficCases = [whileSending, splitAmong, mergeAmong, thereAndBack];
