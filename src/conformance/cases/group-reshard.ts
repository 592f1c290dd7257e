import { expectTrue } from "../assertions.ts";
import { DEFAULT_TOPIC, sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkComplete, checkExactlyOnceInOrder, checkNoDuplicates, checkNothingForeign } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { refusesPartitions, reshapeGates } from "../reshard-work.ts";
import { publish, sendInterleaved, untilComplete } from "../stream-work.ts";

const FEWER = DEFAULT_TOPIC.partitions / 2;
const MORE = DEFAULT_TOPIC.partitions * 2;
const KEYS = keyNames(16);

const stuckParent = defineCase({
  name: "group/reshard/stuck-parent",
  promise: 7,
  mutant: "children-before-parents",
  gates: { ...reshapeGates("partitionGrowth", MORE), growthKeepsKeyOrder: refusesPartitions("growthKeepsKeyOrder", MORE) },
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
    const isFree = (key: string): boolean =>
      history.received.some((delivery) => delivery.key === key && delivery.sequence === 0 && delivery.partition !== stuckIn.partition);
    await context.until(() => {
      if (!KEYS.slice(1).every((key) => history.hasReceived({ key, sequence: 0 }))) return false;
      return KEYS.filter(isFree).every((key) => history.hasReceived({ key, sequence: 3 }));
    }, "the messages of all keys of other partitions to be handled");
    expectTrue(history.receivedOf(KEYS[0]!).length === 0, "nothing of a key overtakes its message that is still in its handler");
    stuck.open();
    await untilComplete(context, history);
    await member.close();
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const merge = defineCase({
  name: "group/reshard/merge",
  promise: 7,
  mutant: "children-before-parents",
  gates: reshapeGates("partitionMerge", FEWER),
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const member = context.member(topic, { group: await context.group(topic), concurrency: 4 }, async (message) => {
      // A turn of the event loop each, so that the parents have work left when the children come.
      await new Promise((resolve) => void setImmediate(resolve));
      history.receive(message);
    });
    await sendInterleaved(context, producer, history, topic, KEYS, 6);
    await context.within(context.admin.updateTopic(topic.name, { partitions: FEWER }), "the partitions to merge");
    await sendInterleaved(context, producer, history, topic, KEYS, 3);
    await untilComplete(context, history);
    await member.close();
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const whileConsuming = defineCase({
  name: "group/reshard/growth-while-consuming",
  promise: 7,
  mutant: "overlooks-new-partitions",
  gates: reshapeGates("partitionGrowth", MORE),
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const member = context.member(topic, { group: await context.group(topic) }, recordInto(history));
    await publish(context, history, topic, KEYS, 2);
    await untilComplete(context, history);
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE, mayReorder: true }), "the topic to grow");
    await publish(context, history, topic, keyNames(48), 2);
    await untilComplete(context, history);
    await member.close();
    checkNothingForeign(history.sent, history.received, topic.name);
    checkNoDuplicates(history.received);
    expectTrue(
      history.received.some(({ partition }) => !topic.partitions.includes(partition)),
      "what is sent after growth is stored in new partitions as well, and handled",
    );
  },
});

const newFromBeginning = defineCase({
  name: "group/reshard/new-partitions-from-their-beginning",
  promise: 4,
  mutant: "new-partitions-from-the-latest",
  gates: reshapeGates("partitionGrowth", MORE),
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const before = context.history();
    const first = context.member(topic, { group }, recordInto(before, "first"));
    await publish(context, before, topic, KEYS, 1);
    await untilComplete(context, before);
    await first.close();
    // Nobody is a member while the topic grows: what its new partitions get meanwhile is the group's all the same.
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE, mayReorder: true }), "the topic to grow");
    const after = before.continued();
    await publish(context, after, topic, keyNames(48), 1);
    const second = context.member(topic, { group, initialPosition: "latest" }, recordInto(after, "second"));
    await context.until(() => after.received.length > 0, "the group to go on");
    // Sent again until a message of every new partition has come: then what was there before it has come too, or never will.
    const wanted = new Set((await context.admin.describeTopic(topic.name)).partitions.filter((name) => !topic.partitions.includes(name)));
    const seen = new Set<string>();
    const markers = after.continued();
    const producer = sequencedTopic(context.connection, topic).producer();
    await context.patience.untilAsked(async () => {
      for (const value of after.received)
        if (markers.sent.some((sent) => sent.key === value.key && sent.sequence === value.sequence)) seen.add(value.partition);
      if ([...wanted].every((partition) => seen.has(partition))) return true;
      await sendInterleaved(context, producer, markers, topic, keyNames(48), 1);
      return false;
    }, "messages of every new partition");
    await second.close();
    checkComplete(after.sent, after.received);
  },
});

export const groupReshardCases = [stuckParent, merge, whileConsuming, newFromBeginning];
