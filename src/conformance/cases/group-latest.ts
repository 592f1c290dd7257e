import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../history/check.ts";
import type { History } from "../history/history.ts";
import { type Sequenced, keyNames } from "../history/sequenced.ts";
import { type Member, recordInto } from "../member.ts";
import { untilShared } from "../sharing.ts";
import { publish, sendInterleaved, untilComplete } from "../stream-steps.ts";

/** Longer than what is sent meanwhile takes to be stored. */
const STALL_MS = 300;

const beforeTheFirstFetch = defineCase({
  name: "group/start/latest-before-the-first-fetch",
  promise: 4,
  mutant: "latest-is-where-the-first-fetch-ends",
  faults: ["stall"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, context.history(), topic, keyNames(16), 1);
    context.inject({ kind: "stall", topic: topic.name, durationMs: STALL_MS, times: topic.partitions.length });
    const options = { group: await context.group(topic), initialPosition: "latest" as const };
    const member = context.member(topic, options, recordInto(history));
    await context.until(() => member.consumer.assigned.length === topic.partitions.length, "the member to be given every partition");
    // It is a member and owns everything; that its first fetch takes long changes nothing about where the group starts.
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
  name: "group/start/latest-for-every-partition",
  promise: 4,
  mutant: "latest-anew-where-nothing-was-handled",
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    await publish(context, context.history(), topic, keyNames(16), 1);
    const history = context.history();
    const first = context.member(topic, { group, initialPosition: "latest" }, recordInto(history, "first"));
    await context.until(() => first.consumer.assigned.length === topic.partitions.length, "the member to be given every partition");
    // Of one key and so of one partition: in the others the group has a start and nothing handled.
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

/** So many that the moment between owning a partition and looking at it is met, also where it is short; fewer where groups have to exist first. */
const GROUPS = 12;
/** Of several members each. */
const FEW_GROUPS = 3;

const onceAssigned = defineCase({
  name: "group/start/latest-once-assigned",
  promise: 4,
  mutant: "latest-is-looked-up-after-assignment",
  run: async (context) => {
    const topic = await context.topic();
    const before = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    // The producer knows everything that it needs to know, so that what it sends later is stored at once.
    await sendInterleaved(context, producer, before, topic, keyNames(16), 1);
    const sends: Promise<unknown>[] = [];
    const join = async (index: number): Promise<{ readonly member: Member<Sequenced>; readonly own: History }> => {
      const own = context.history();
      const keys = keyNames(16).map((key) => `${index}-${key}`);
      const told = new Set<string>();
      const onAssigned = (partitions: readonly string[]): void => {
        const isFirst = told.size < topic.partitions.length;
        for (const partition of partitions) told.add(partition);
        if (!isFirst || told.size < topic.partitions.length) return;
        for (const key of keys) sends.push(context.later(producer.send({ value: own.next(topic.name, key) })));
      };
      const options = { group: await context.group(topic), initialPosition: "latest" as const, onAssigned };
      const member = context.member(topic, options, (message) => {
        // The other groups' messages come, or not, as it happens.
        if (message.value.key.startsWith(`${index}-`) || before.sent.some(({ key }) => key === message.value.key)) own.receive(message);
      });
      return { member, own };
    };
    const groups: Awaited<ReturnType<typeof join>>[] = [];
    const count = Math.min(GROUPS, context.groupsLeft(topic));
    for (let index = 0; index < count; index += 1) groups.push(await join(index));
    await context.until(() => groups.every(({ own }) => own.sent.length > 0), "every group to be told of every partition");
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

/** Whoever of several first members owns what: the group starts at one moment in all partitions, before anybody is told. */
const membersAtOnce = defineCase({
  name: "group/start/latest-for-members-at-once",
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
            // The other groups' messages come, or not, as it happens.
            if (message.value.key.startsWith(`${index}-`) || before.sent.some(({ key }) => key === message.value.key)) own.receive(message);
          },
          connection,
        ),
      );
      return { members, own };
    };
    const groups: Awaited<ReturnType<typeof start>>[] = [];
    for (let index = 0; index < FEW_GROUPS; index += 1) groups.push(await start(index));
    await context.until(() => groups.every(({ own }) => own.sent.length > 0), "a member of every group to be told of a partition");
    await context.within(Promise.all(sends), "what was sent as soon as a group had an owner to be stored");
    for (const { members, own } of groups) {
      await untilComplete(context, own);
      await untilShared(context, topic, members);
    }
    await Promise.all(groups.flatMap(({ members }) => members.map(async (member) => member.close())));
    for (const { own } of groups) checkAtLeastOnceInOrder(own.sent, own.received, topic.name);
  },
});

export const groupLatestCases = [beforeTheFirstFetch, everyPartition, onceAssigned, membersAtOnce];
