import { PromiseViolation } from "../../case-outcome.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { type Sequenced, keyNames, showSequenced } from "../../history/sequenced.ts";
import { type Member, recordInto } from "../../member.ts";
import { untilShared } from "../../support/partition-owners.ts";
import { publish, sendInterleaved, untilComplete } from "../../support/stream-steps.ts";

/** Longer than it takes to store the messages that are sent meanwhile. */
const STALL_MS = 300;

const beforeTheFirstFetch = defineCase({
  name: "group/latest/before-the-first-fetch",
  promise: 4,
  mutant: "latest-is-where-the-first-fetch-ends",
  faults: ["stall"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, context.history(), topic, keyNames(16), 1);
    await context.inject({ kind: "stall", topic: topic.name, durationMs: STALL_MS, times: topic.partitions.length });
    const options = { group: await context.group(topic), initialPosition: "latest" as const };
    const member = context.member(topic, options, recordInto(history));
    await context.until(() => member.consumer.assigned.length === topic.partitions.length, "the member to be given every partition");
    // The member owns every partition. Its slow first fetch does not change where the group starts.
    await publish(
      context,
      history,
      topic,
      keyNames(16).map((key) => `later-${key}`),
      2,
    );
    await untilComplete(context, history);
    await member.close();
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const everyPartition = defineCase({
  name: "group/latest/every-partition",
  promise: 4,
  mutant: "latest-anew-where-nothing-was-handled",
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    await publish(context, context.history(), topic, keyNames(16), 1);
    const history = context.history();
    const first = context.member(topic, { group, initialPosition: "latest" }, recordInto(history, "first"));
    await context.until(() => first.consumer.assigned.length === topic.partitions.length, "the member to be given every partition");
    // One key and so one partition: in the others the group has a start position and has handled nothing.
    await publish(context, history, topic, ["alone"], 3);
    await untilComplete(context, history);
    await first.close();
    await publish(context, history, topic, [...keyNames(16).map((key) => `later-${key}`), "alone"], 2);
    const second = context.member(topic, { group, initialPosition: "latest" }, recordInto(history, "second"), await context.connect());
    await untilComplete(context, history);
    await second.close();
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

/** So many that one of them is in the short moment between owning a partition and fetching from it. Fewer where groups have to exist first. */
const GROUPS = 12;

/** Each with several members. */
const FEW_GROUPS = 3;

const onceAssigned = defineCase({
  name: "group/latest/once-assigned",
  promise: 4,
  mutant: "latest-is-looked-up-after-assignment",
  run: async (context) => {
    const topic = await context.topic();
    const before = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    // The producer has its metadata now, so that later messages are stored at once.
    await sendInterleaved(context, producer, before, topic, keyNames(16), 1);
    const sends: Promise<unknown>[] = [];
    const join = async (index: number): Promise<{ readonly member: Member<Sequenced>; readonly own: History }> => {
      const own = context.history();
      const keys = keyNames(16).map((key) => `${index}-${key}`);
      const assigned = new Set<string>();
      const onAssigned = (partitions: readonly string[]): void => {
        const isFirst = assigned.size < topic.partitions.length;
        for (const partition of partitions) assigned.add(partition);
        if (!isFirst || assigned.size < topic.partitions.length) return;
        for (const key of keys) sends.push(context.later(producer.send({ value: own.next(topic.name, key) })));
      };
      const options = { group: await context.group(topic), initialPosition: "latest" as const, onAssigned };
      const member = context.member(topic, options, (message) => {
        // Messages of the other groups may come or not.
        if (message.value.key.startsWith(`${index}-`) || before.sent.some(({ key }) => key === message.value.key)) own.receive(message);
      });
      return { member, own };
    };
    const groups: Awaited<ReturnType<typeof join>>[] = [];
    const count = Math.min(GROUPS, context.groupsLeft(topic));
    for (let index = 0; index < count; index += 1) groups.push(await join(index));
    await context.until(() => groups.every(({ own }) => own.sent.length > 0), "every group to be assigned every partition");
    await context.within(Promise.all(sends), "what was sent as soon as a group owned its partitions to be stored");
    await context.until(
      () => groups.every(({ own }) => own.distinct >= own.sent.length),
      () =>
        `completeness: what was sent after the assignment; missing in ${groups.filter(({ own }) => own.distinct < own.sent.length).length} of ${count} groups`,
    );
    await Promise.all(groups.map(async ({ member }) => member.close()));
    for (const { own } of groups) checkExactlyOnceInOrder(own.sent, own.received, topic.name);
  },
});

/** A group with several first members starts at one moment in all partitions, before any onAssigned is called. */
const membersAtOnce = defineCase({
  name: "group/latest/members-at-once",
  promise: 4,
  mutant: "latest-is-resolved-by-each-owner",
  run: async (context) => {
    const topic = await context.topic();
    const before = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    await sendInterleaved(context, producer, before, topic, keyNames(16), 1);
    const connections = [await context.connect(), await context.connect()];
    const sends: Promise<unknown>[] = [];
    const start = async (index: number): Promise<{ readonly members: readonly Member<Sequenced>[]; readonly own: History }> => {
      const own = context.history();
      const keys = keyNames(16).map((key) => `${index}-${key}`);
      const onAssigned = (): void => {
        if (own.sent.length > 0) return;
        for (const key of keys) sends.push(context.later(producer.send({ value: own.next(topic.name, key) })));
      };
      const options = { group: await context.group(topic), initialPosition: "latest" as const, onAssigned };
      const members = connections.map((connection) =>
        context.member(
          topic,
          options,
          (message) => {
            // Messages of the other groups may come or not.
            if (message.value.key.startsWith(`${index}-`) || before.sent.some(({ key }) => key === message.value.key)) own.receive(message);
          },
          connection,
        ),
      );
      return { members, own };
    };
    const groups: Awaited<ReturnType<typeof start>>[] = [];
    for (let index = 0; index < FEW_GROUPS; index += 1) groups.push(await start(index));
    await context.until(() => groups.every(({ own }) => own.sent.length > 0), "a member of every group to be assigned a partition");
    await context.within(Promise.all(sends), "what was sent as soon as a group had an owner to be stored");
    for (const { members, own } of groups) {
      await untilComplete(context, own);
      await untilShared(context, topic, members);
    }
    await Promise.all(groups.flatMap(({ members }) => members.map(async (member) => member.close())));
    for (const { own } of groups) checkAtLeastOnceInOrder(own.sent, own.received, topic.name);
  },
});

const fromLatest = defineCase({
  name: "group/latest/nothing-older",
  promise: 4,
  mutant: "latest-is-earliest",
  run: async (context) => {
    const topic = await context.topic();
    const before = context.history();
    await publish(context, before, topic, keyNames(8), 3);
    const after = before.continued();
    const member = context.member(topic, { group: await context.group(topic), initialPosition: "latest" }, recordInto(after));
    await context.until(() => member.consumer.assigned.length === topic.partitions.length, "the member to be given every partition");
    await publish(context, after, topic, keyNames(8), 2);
    await untilComplete(context, after);
    for (const value of after.received) {
      if (before.sent.some(({ key, sequence }) => key === value.key && sequence === value.sequence)) {
        throw new PromiseViolation(`a group from the latest received ${showSequenced(value)}, which was stored before it joined`);
      }
    }
    checkAtLeastOnceInOrder(after.sent, after.received, topic.name);
  },
});

export const groupLatestCases = [beforeTheFirstFetch, everyPartition, onceAssigned, membersAtOnce, fromLatest];
