import type { From } from "../../../position/range-types.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { FEWER_PARTITIONS, MORE_PARTITIONS, partitionChangeGates, refusesPartitions } from "../../support/partition-change.ts";
import { publish, readStored, sendInterleaved } from "../../support/stream-steps.ts";

const KEYS = keyNames(16);

/** How many messages each of several readers reads: it stops in the middle of rounds and of shards. */
const STEP = 19;

const GROWTH_GATES = {
  ...partitionChangeGates("partitionGrowth", MORE_PARTITIONS),
  growthKeepsKeyOrder: refusesPartitions("growthKeepsKeyOrder", MORE_PARTITIONS),
};

const split = defineCase({
  name: "replay/reshard/split",
  promise: 7,
  mutant: "children-before-parents",
  gates: GROWTH_GATES,
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    for (const partitions of [MORE_PARTITIONS, MORE_PARTITIONS + 3]) {
      await sendInterleaved(context, producer, history, topic, KEYS, 3);
      await context.within(context.admin.updateTopic(topic.name, { partitions }), "the partitions to split");
    }
    await sendInterleaved(context, producer, history, topic, KEYS, 3);
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const merge = defineCase({
  name: "replay/reshard/merge",
  promise: 7,
  mutant: "children-before-parents",
  gates: partitionChangeGates("partitionMerge", FEWER_PARTITIONS),
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, KEYS, 3);
    await context.within(context.admin.updateTopic(topic.name, { partitions: FEWER_PARTITIONS }), "the partitions to merge");
    await publish(context, history, topic, KEYS, 3);
    await readStored(context, history, topic);
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const resumed = defineCase({
  name: "replay/reshard/bookmarks-across",
  promise: 9,
  mutant: "bookmark-off-by-one",
  gates: GROWTH_GATES,
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, KEYS, 3);
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE_PARTITIONS }), "the partitions to split");
    await publish(context, history, topic, KEYS, 3);
    // Each reader continues where the one before stopped: some between parents and children, some behind finished shards.
    let from: From = topic.start;
    while (history.received.length < history.sent.length) {
      const enough = Math.min(history.received.length + STEP, history.sent.length);
      const reader = sequencedTopic(context.connection, topic).reader({ from });
      const readSome = async (): Promise<void> => {
        for await (const message of reader) {
          history.receive(message);
          if (history.received.length === enough) break;
        }
      };
      await context.deadline.within(readSome(), () => `${enough} messages in all; ${history.received.length} came`);
      from = { bookmark: await reader.bookmark() };
    }
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const replayReshardCases = [split, merge, resumed];
