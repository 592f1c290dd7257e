import { expectTrue, expectUnsupported } from "../assertions.ts";
import { DEFAULT_TOPIC, sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { sendInterleaved, untilComplete } from "../stream-work.ts";

const MORE = DEFAULT_TOPIC.partitions * 2;
const KEYS = keyNames(16);

const stuckParent = defineCase({
  name: "group/reshard/stuck-parent",
  promise: 7,
  mutant: "children-before-parents",
  gates: {
    partitionGrowth: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.updateTopic(topic.name, { partitions: MORE }), "partitionGrowth");
    },
    growthKeepsKeyOrder: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.updateTopic(topic.name, { partitions: MORE }), "growthKeepsKeyOrder");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const stuck = context.latch();
    const stuckIn = { partition: "" };
    const member = context.member(topic, { group: await context.group(topic), concurrency: 32 }, async (message) => {
      if (message.value.key === KEYS[0] && message.value.sequence === 0) {
        stuckIn.partition = message.partition;
        await stuck.opened;
      }
      history.receive(message);
    });
    await sendInterleaved(context, producer, history, topic, KEYS, 2);
    await context.until(() => stuckIn.partition !== "", "the first message of a key to be in its handler");
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE }), "every partition to split");
    await sendInterleaved(context, producer, history, topic, KEYS, 2);
    // Other parents are handled to their end and their children follow, while the stuck one holds its own back.
    const inChildren = () => history.received.filter(({ partition }) => !topic.partitions.includes(partition));
    await context.until(() => inChildren().length > 0, "messages of some child to be handled");
    expectTrue(history.receivedOf(KEYS[0]!).length === 0, "nothing of a key overtakes its message that is still in its handler");
    stuck.open();
    await untilComplete(context, history);
    await member.close();
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const groupReshardCases = [stuckParent];
