import { setImmediate as nextTurn } from "node:timers/promises";
import { expectEqual, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { untilOwned } from "../../support/partition-owners.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

/** How often the status is read within one turn of the event loop: a start may end before the next turn. */
const STEPS = 200;

const untilShare = defineCase({
  name: "group/status/joining-until-its-share-is-known",
  promise: 7,
  mutant: "joined-before-it-has",
  run: async (context) => {
    const topic = await context.topic();
    await publish(context, context.history(), topic, keyNames(4), 1);
    for (let round = 0; round < 3; round += 1) {
      const group = await context.group(topic);
      const { consumer } = context.member(topic, { group }, () => undefined);
      expectEqual(consumer.status().state, "joining", "the state of a member that has not joined yet");
      let isRunning = false;
      const look = (): void => {
        isRunning ||= consumer.status().state === "running";
        if (isRunning) expectEqual(consumer.assigned.length, topic.partitions.length, "partitions of the only member as soon as it runs");
      };
      for (let step = 0; step < STEPS && !isRunning; step += 1) {
        await Promise.resolve();
        look();
      }
      while (!isRunning) {
        await context.deadline.within(nextTurn(), "the only member of a group to run");
        look();
      }
      await consumer.close();
    }
  },
});

/** Where a topic has no partitions, every member owns the only one. */
async function allRun(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  const group = await context.group(topic);
  const members = Array.from({ length: 3 }, () => context.member(topic, { group }, () => undefined));
  await context.until(() => members.every(({ consumer }) => consumer.status().state === "running"), "every member of a group to run");
  await Promise.all(members.map((member) => member.close()));
}

const withoutShare = defineCase({
  name: "group/status/running-without-a-share",
  promise: 7,
  mutant: "surplus-members-never-hear",
  gates: { partitions: allRun },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const count = topic.partitions.length + 2;
    const members = Array.from({ length: count }, (_, index) => context.member(topic, { group }, recordInto(history, `member-${index}`)));
    await untilOwned(context, topic, members);
    await context.until(
      () => members.every(({ consumer }) => consumer.status().state === "running"),
      () => `${count} members to run, some without a partition; they are ${members.map(({ consumer }) => consumer.status().state).join()}`,
    );
    const without = members.filter(({ consumer }) => consumer.assigned.length === 0);
    expectTrue(without.length >= 2, "more members than partitions: some have none");
    await publish(context, history, topic, keyNames(8), 2);
    await untilComplete(context, history);
    await Promise.all(members.map((member) => member.close()));
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

const again = defineCase({
  name: "group/status/joining-again",
  promise: 7,
  mutant: "rejoins-in-silence",
  faults: ["restart"],
  // The whole provider restarts, for every other case too.
  exclusive: true,
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const member = context.member(topic, { group }, recordInto(history, "member"));
    const { consumer } = member;
    await untilOwned(context, topic, [member]);
    await publish(context, history, topic, keyNames(8), 2);
    await untilComplete(context, history);
    await context.inject({ kind: "restart", topic: topic.name });
    const publishing = context.later(publish(context, history, topic, keyNames(8), 1));
    let seen = consumer.status().state;
    while (seen !== "joining") {
      await context.deadline.within(nextTurn(), "a member whose provider restarts to be joining again");
      seen = consumer.status().state;
    }
    await context.within(publishing, "the messages to be stored");
    await context.until(() => consumer.status().state === "running", "a member that has joined again to run");
    await untilComplete(context, history);
    await member.close();
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const groupStatusCases = [untilShare, withoutShare, again];
