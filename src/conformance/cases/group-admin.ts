import { expectEqual, expectTrue, expectUnsupported } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { publish, untilComplete } from "../stream-steps.ts";

async function withoutMessages(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  const history = context.history();
  const group = await context.group(topic);
  const member = context.member(topic, { group }, recordInto(history));
  await publish(context, history, topic, keyNames(4), 1);
  await untilComplete(context, history);
  await member.close();
  if (!context.capabilities.lagInTime) {
    await expectUnsupported(async () => context.admin.lag(topic.name, group), "lagInMessages");
  } else {
    expectEqual((await context.admin.lag(topic.name, group)).messages, null, "a lag that is not told is null");
  }
}

const messages = defineCase({
  name: "consume/lag-in-messages",
  promise: 11,
  mutant: "lag-is-nothing",
  gates: { lagInMessages: withoutMessages },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const first = context.member(topic, { group }, recordInto(history));
    await publish(context, history, topic, keyNames(6), 2);
    await untilComplete(context, history);
    await first.close();
    const lag = async () => context.admin.lag(topic.name, group);
    await context.deadline.untilAsked(async () => (await lag()).messages === 0, "the lag of a group that has handled everything to be 0");
    await publish(context, history, topic, keyNames(6), 3);
    await context.deadline.untilAsked(async () => (await lag()).messages === 18, "the lag of a group to be what was sent since");
    const figures = await lag();
    expectEqual(
      figures.partitions.reduce((sum, partition) => sum + (partition.messages ?? 0), 0),
      18,
      "the lags of the partitions add up",
    );
    expectTrue(
      figures.partitions.every(({ partition }) => topic.partitions.includes(partition)),
      "lag names the topic's partitions",
    );
  },
});

const beforeTheFirstCommit = defineCase({
  name: "consume/lag-before-the-first-commit",
  promise: 11,
  mutant: "lag-needs-a-position",
  gates: { lagInMessages: withoutMessages },
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const history = context.history();
    await publish(context, history, topic, keyNames(6), 3);
    const stream = sequencedTopic(context.connection, topic);
    const lagFrom = async (initialPosition: "latest" | CaseTopic["start"]): Promise<number | null> => {
      await using consumer = stream.consumer({ group, initialPosition });
      return (await context.within(consumer.lag(), "the lag of a group that has not begun")).messages;
    };
    expectEqual(await lagFrom(topic.start), 18, "the lag of a group that would begin before everything");
    expectEqual(await lagFrom("latest"), 0, "the lag of a group that would begin at the latest");
    const blocked = context.latch();
    const member = context.member(topic, { group, initialPosition: topic.start }, async () => blocked.opened);
    const lag = async (): Promise<number | null> => (await member.consumer.lag()).messages;
    expectEqual(await context.within(lag(), "the lag of a member that joins"), 18, "the lag of a member that joins");
    await context.until(() => member.consumer.assigned.length === topic.partitions.length, "the member to be given every partition");
    expectEqual(await lag(), 18, "the lag of a member that has handled nothing");
    blocked.open();
    await member.close();
  },
});

const listed = defineCase({
  name: "group/list/names-that-other-calls-take",
  promise: 11,
  mutant: "lists-groups-of-others",
  gates: { groupAdmin: withoutGroups },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(6), 1);
    const wanted = [await context.group(topic), await context.group(topic)];
    for (const group of wanted) {
      const received = history.continued();
      received.sent.push(...history.sent);
      const member = context.member(topic, { group, initialPosition: topic.start }, recordInto(received));
      await untilComplete(context, received);
      await member.close();
    }
    const names = await context.admin.listGroups(topic.name);
    expectEqual(new Set(names).size, names.length, "names of groups, each listed once");
    for (const group of wanted) expectTrue(names.includes(group), "a group that has handled something is listed");
    for (const name of names) {
      expectEqual((await context.admin.describeGroup(topic.name, name)).name, name, "a name that is listed is described");
      if (context.capabilities.lagInMessages || context.capabilities.lagInTime) await context.admin.lag(topic.name, name);
    }
  },
});

async function withoutGroups(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  await expectUnsupported(async () => context.admin.listGroups(topic.name), "groupAdmin");
  await expectUnsupported(async () => context.admin.deleteGroup(topic.name, "any"), "groupAdmin");
}

const groups = defineCase({
  name: "group/come-and-go",
  promise: 11,
  mutant: "deleting-a-group-does-nothing",
  gates: { groupAdmin: withoutGroups },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const member = context.member(topic, { group }, recordInto(history));
    await publish(context, history, topic, keyNames(6), 2);
    await untilComplete(context, history);
    await member.close();
    expectTrue((await context.admin.listGroups(topic.name)).includes(group), "a group that has a position is listed");
    expectEqual((await context.admin.describeGroup(topic.name, group)).name, group, "a description names the group");
    await context.within(context.admin.deleteGroup(topic.name, group), "a group to be deleted");
    expectTrue(!(await context.admin.listGroups(topic.name)).includes(group), "a group that was deleted is not listed");
    const again = context.history();
    again.sent.push(...history.sent);
    context.member(topic, { group }, recordInto(again));
    await untilComplete(context, again);
  },
});

export const groupAdminCases = [messages, beforeTheFirstCommit, groups, listed];
