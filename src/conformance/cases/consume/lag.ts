import { setTimeout as later } from "node:timers/promises";
import { expectEqual, expectTrue, expectUnsupported } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

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
    expectEqual((await context.admin.lag(topic.name, group)).messages, null, "a lag that the provider does not know is null");
  }
}

const messages = defineCase({
  name: "consume/lag/in-messages",
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
  name: "consume/lag/before-the-first-commit",
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

/** Clocks of provider and client may differ. */
const CLOCK_TOLERANCE_MS = 60_000;
const GROWTH_MS = 300;

async function withoutTime(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  const history = context.history();
  const group = await context.group(topic);
  const member = context.member(topic, { group }, recordInto(history));
  await publish(context, history, topic, keyNames(4), 1);
  await untilComplete(context, history);
  await member.close();
  if (!context.capabilities.lagInMessages) {
    await expectUnsupported(async () => context.admin.lag(topic.name, group), "lagInMessages");
  } else {
    expectEqual((await context.admin.lag(topic.name, group)).timeMs, null, "a lag that the provider does not know is null");
  }
}

const time = defineCase({
  name: "consume/lag/in-time",
  promise: 11,
  mutant: "lag-in-time-is-nothing",
  gates: { lagInTime: withoutTime },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const lag = async () => context.admin.lag(topic.name, group);
    const isNothing = async (): Promise<boolean> => ((await lag()).timeMs ?? 0) === 0;
    const first = context.member(topic, { group }, recordInto(history));
    await publish(context, history, topic, keyNames(6), 2);
    await untilComplete(context, history);
    await first.close();
    await context.deadline.untilAsked(isNothing, "the lag of a group that has handled everything to be 0 or unknown");
    const sentAtMs = performance.now();
    await publish(context, history, topic, keyNames(6), 1);
    await context.deadline.untilAsked(async () => !(await isNothing()), "the lag of a group to be the age of what waits");
    const earlier = (await lag()).timeMs ?? 0;
    await later(GROWTH_MS);
    const { timeMs, partitions } = await lag();
    const oldestMs = performance.now() - sentAtMs;
    expectTrue(timeMs !== null && timeMs - earlier >= GROWTH_MS / 2, `the lag grows with the time: ${earlier} ms, then ${timeMs} ms`);
    expectTrue(timeMs <= oldestMs + CLOCK_TOLERANCE_MS, `the lag is no longer than what waits: ${timeMs} ms after ${oldestMs} ms`);
    expectEqual(Math.max(...partitions.map((of) => of.timeMs ?? 0)), timeMs, "the lag is that of the partition that is behind the most");
    expectTrue(
      partitions.every(({ partition }) => topic.partitions.includes(partition)),
      "lag names the topic's partitions",
    );
    context.member(topic, { group }, recordInto(history));
    await untilComplete(context, history);
    await context.deadline.untilAsked(isNothing, "the lag of a group that has caught up to be 0 or unknown again");
  },
});

export const consumeLagCases = [messages, time, beforeTheFirstCommit];
