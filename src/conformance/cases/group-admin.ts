import { expectEqual, expectTrue, expectUnsupported } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { defineCase } from "../define-case.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { publish, untilComplete } from "../stream-work.ts";

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
    await context.patience.untilAsked(async () => (await lag()).messages === 0, "the lag of a group that has handled everything to be 0");
    await publish(context, history, topic, keyNames(6), 3);
    await context.patience.untilAsked(async () => (await lag()).messages === 18, "the lag of a group to be what was sent since");
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

const groups = defineCase({
  name: "group/come-and-go",
  promise: 11,
  mutant: "deleting-a-group-does-nothing",
  gates: {
    groupAdmin: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.listGroups(topic.name), "groupAdmin");
      await expectUnsupported(async () => context.admin.deleteGroup(topic.name, "any"), "groupAdmin");
    },
  },
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

export const groupAdminCases = [messages, groups];
