import { setTimeout as later } from "node:timers/promises";
import { expectEqual, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkComplete, checkNothingForeign, checkRepeatsFollowLosses } from "../../history/check.ts";
import type { Delivery } from "../../history/history.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { countingLosses } from "../../support/counting-losses.ts";
import { FEWER_PARTITIONS, MORE_PARTITIONS, partitionChangeGates, refusesPartitions } from "../../support/partition-change.ts";
import { publish, sendInterleaved, untilComplete } from "../../support/stream-steps.ts";

const KEYS = keyNames(16);

const STUCK_KEY = "key-0";

/** The partitions change while a message of one partition is in its handler: the children of that partition have to wait. */
async function changeAroundAStuckParent(context: CaseContext, partitions: number): Promise<void> {
  const topic = await context.topic();
  const history = context.history();
  const producer = sequencedTopic(context.connection, topic).producer();
  const stuck = context.latch();
  let isStuck = false;
  const group = await context.group(topic);
  await countingLosses(topic, async (losses) => {
    const member = context.member(topic, { group, concurrency: 32 }, async (message) => {
      if (message.value.key === STUCK_KEY && message.value.sequence === 0) {
        isStuck = true;
        await stuck.opened;
      }
      history.receive(message);
    });
    await sendInterleaved(context, producer, history, topic, KEYS, 2);
    await context.until(() => isStuck, "the first message of a key to be in its handler");
    await context.within(context.admin.updateTopic(topic.name, { partitions }), `the topic to change to ${partitions} partitions`);
    await sendInterleaved(context, producer, history, topic, KEYS, 2);
    // Other parents are handled to their end and their children follow. Only the children of the stuck parent wait.
    const ofChild = (): Delivery | undefined => history.received.find(({ partition }) => !topic.partitions.includes(partition));
    await context.until(() => ofChild() !== undefined, "a message of some child to be handled");
    await sendInterleaved(context, producer, history, topic, KEYS, 1);
    const newest = { key: ofChild()!.key, sequence: 4 };
    await context.until(() => history.hasReceived(newest), "the newest message of that child to be handled");
    expectEqual(history.receivedOf(STUCK_KEY).length, 0, "messages of a key that overtook a message in its handler");
    stuck.open();
    await untilComplete(context, history);
    await member.close();
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
    checkRepeatsFollowLosses(history.received, losses);
  });
}

const split = defineCase({
  name: "group/reshard/split-behind-a-stuck-parent",
  promise: 7,
  mutant: "children-before-parents",
  gates: {
    ...partitionChangeGates("partitionGrowth", MORE_PARTITIONS),
    growthKeepsKeyOrder: refusesPartitions("growthKeepsKeyOrder", MORE_PARTITIONS),
  },
  run: async (context) => changeAroundAStuckParent(context, MORE_PARTITIONS),
});

const merge = defineCase({
  name: "group/reshard/merge-behind-a-stuck-parent",
  promise: 7,
  mutant: "children-before-parents",
  gates: partitionChangeGates("partitionMerge", FEWER_PARTITIONS),
  run: async (context) => changeAroundAStuckParent(context, FEWER_PARTITIONS),
});

const whileConsuming = defineCase({
  name: "group/reshard/growth-while-consuming",
  promise: 7,
  mutant: "overlooks-new-partitions",
  gates: partitionChangeGates("partitionGrowth", MORE_PARTITIONS),
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await countingLosses(topic, async (losses) => {
      const member = context.member(topic, { group }, recordInto(history));
      await publish(context, history, topic, KEYS, 2);
      await untilComplete(context, history);
      await context.within(context.admin.updateTopic(topic.name, { partitions: MORE_PARTITIONS, mayReorder: true }), "the topic to grow");
      await publish(context, history, topic, keyNames(48), 2);
      await untilComplete(context, history);
      await member.close();
      checkNothingForeign(history.sent, history.received, topic.name);
      // Growth is no reason for repeats. Where leases are spread anew meanwhile, a member may lose a partition, perhaps to itself.
      checkRepeatsFollowLosses(history.received, losses);
    });
    expectTrue(
      history.received.some(({ partition }) => !topic.partitions.includes(partition)),
      "messages sent after growth are also stored in new partitions, and handled",
    );
  },
});

const newFromBeginning = defineCase({
  name: "group/reshard/new-partitions-from-their-beginning",
  promise: 4,
  mutant: "new-partitions-from-the-latest",
  gates: partitionChangeGates("partitionGrowth", MORE_PARTITIONS),
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const before = context.history();
    const first = context.member(topic, { group }, recordInto(before, "first"));
    await publish(context, before, topic, KEYS, 1);
    await untilComplete(context, before);
    await first.close();
    // The group has no members while the topic grows. It must still handle all that the new partitions receive meanwhile.
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE_PARTITIONS, mayReorder: true }), "the topic to grow");
    const after = before.continued();
    await publish(context, after, topic, keyNames(48), 1);
    const second = context.member(topic, { group, initialPosition: "latest" }, recordInto(after, "second"));
    // Sends markers until a message of every new partition was received: by then all earlier messages must have come too.
    const wanted = new Set((await context.admin.describeTopic(topic.name)).partitions.filter((name) => !topic.partitions.includes(name)));
    const seen = new Set<string>();
    const markers = after.continued();
    const producer = sequencedTopic(context.connection, topic).producer();
    await context.deadline.untilAsked(async () => {
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

const TRAFFIC_KEYS = keyNames(24);

/** Two members share a topic whose partitions are split or merged under traffic. */
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
    await sendInterleaved(context, producer, history, topic, TRAFFIC_KEYS, 2);
    await context.within(context.admin.updateTopic(topic.name, { partitions }), `the topic to change to ${partitions} partitions`);
    await sendInterleaved(context, producer, history, topic, TRAFFIC_KEYS, 2);
  }
  await untilComplete(context, history);
  await Promise.all(members.map(async (member) => member.close()));
  checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
}

const splitAmong = defineCase({
  name: "group/reshard/split-among-members",
  promise: 7,
  mutant: "children-before-parents",
  gates: {
    ...partitionChangeGates("partitionGrowth", MORE_PARTITIONS),
    growthKeepsKeyOrder: refusesPartitions("growthKeepsKeyOrder", MORE_PARTITIONS),
  },
  run: async (context) => changeAmongMembers(context, [MORE_PARTITIONS, MORE_PARTITIONS + 3]),
});

const mergeAmong = defineCase({
  name: "group/reshard/merge-among-members",
  promise: 7,
  mutant: "children-before-parents",
  gates: partitionChangeGates("partitionMerge", FEWER_PARTITIONS),
  run: async (context) => changeAmongMembers(context, [FEWER_PARTITIONS, 1]),
});

const thereAndBack = defineCase({
  name: "group/reshard/split-and-merge",
  promise: 7,
  mutant: "children-before-parents",
  gates: {
    ...partitionChangeGates("partitionMerge", FEWER_PARTITIONS),
    partitionGrowth: refusesPartitions("partitionGrowth", MORE_PARTITIONS),
  },
  run: async (context) => changeAmongMembers(context, [MORE_PARTITIONS, FEWER_PARTITIONS, MORE_PARTITIONS]),
});

export const groupReshardCases = [split, merge, whileConsuming, newFromBeginning, splitAmong, mergeAmong, thereAndBack];
