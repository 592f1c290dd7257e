import type { ConsumerOptions } from "../../../consume/consumer-types.ts";
import { expectEqual, expectTrue, expectUnsupported } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkComplete, checkExactlyOnceInOrder, checkOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { type Sequenced, keyNames, showSequenced } from "../../history/sequenced.ts";
import { type Member, recordInto } from "../../member.ts";
import { untilShared } from "../../support/sharing.ts";
import { publish, readAll, sendInterleaved, untilComplete } from "../../support/stream-steps.ts";

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

const fromLatest = defineCase({
  name: "group/start/from-latest",
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
        throw new PromiseViolation(`a group from the latest was given ${showSequenced(value)}, which was stored before it joined`);
      }
    }
    checkAtLeastOnceInOrder(after.sent, after.received, topic.name);
  },
});

const positionWins = defineCase({
  name: "group/start/its-position-wins",
  promise: 4,
  mutant: "forgets-progress",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(6), 3);
    const first = context.member(topic, { group }, recordInto(history, "first"));
    await untilComplete(context, history);
    await first.close();
    const after = history.continued();
    await publish(context, after, topic, keyNames(6), 2);
    context.member(topic, { group, initialPosition: topic.start }, recordInto(after, "second"));
    await untilComplete(context, after);
    checkAtLeastOnceInOrder(after.sent, after.received, topic.name);
    const third = context.member(topic, { group, initialPosition: "fail" }, () => undefined);
    await context.until(() => third.consumer.status().state === "running" || third.ended, "a member of a group that has a position to run");
  },
});

/** What a group is given that begins there. */
async function startedAt(context: CaseContext, topic: CaseTopic, wanted: number, options: Partial<ConsumerOptions>): Promise<History> {
  const history = context.history();
  const member = context.member(topic, { group: await context.group(topic), ...options }, recordInto(history));
  await context.until(
    () => history.distinct >= wanted,
    () => `completeness: a group was given ${history.distinct} of ${wanted} messages`,
  );
  await member.close();
  return history;
}

const fromBookmark = defineCase({
  name: "group/start/from-a-bookmark",
  promise: 9,
  mutant: "bookmark-off-by-one",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(8), 4);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
    let left = 13;
    const reading = async (): Promise<void> => {
      for await (const message of reader) {
        history.receive(message, "reader");
        left -= 1;
        if (left === 0) break;
      }
    };
    await context.within(reading(), "the first thirteen messages");
    const bookmark = await reader.bookmark();
    const rest = await startedAt(context, topic, history.sent.length - 13, { initialPosition: { bookmark } });
    checkOrder(rest.received);
    checkComplete(history.sent, [...history.received, ...rest.received]);
    expectEqual(rest.distinct, history.sent.length - 13, "a group that begins at a bookmark is given what is behind it, and nothing else");
  },
});

const fromTimestamp = defineCase({
  name: "group/start/from-a-timestamp",
  promise: 8,
  mutant: "timestamp-off-by-one",
  gates: {
    startAtTimestamp: async (context) => {
      const topic = await context.topic();
      const group = await context.group(topic);
      const stream = sequencedTopic(context.connection, topic);
      await expectUnsupported(
        async () => stream.consumer({ group, initialPosition: { timestamp: 0 } }).run(() => undefined),
        "startAtTimestamp",
      );
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(8), 2);
    const stored = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
    const boundary = Math.max(...stored.map(({ timestamp }) => timestamp.getTime())) + 1;
    await context.deadline.pause(Math.max(20, boundary + 15 - Date.now()), "the clock to move on");
    const after = history.continued();
    await publish(context, after, topic, keyNames(8), 2);
    const group = await startedAt(context, topic, after.sent.length, { initialPosition: { timestamp: boundary } });
    checkAtLeastOnceInOrder(after.sent, group.received, topic.name);
    const newest = stored.filter(({ timestamp }) => timestamp.getTime() === boundary - 1);
    const earlier = await startedAt(context, topic, after.sent.length + newest.length, { initialPosition: { timestamp: boundary - 1 } });
    expectTrue(
      newest.every(({ value }) => earlier.hasReceived(value)),
      "a message stored exactly at the time is in the range",
    );
  },
});

const earliest = defineCase({
  name: "group/start/earliest",
  promise: 4,
  mutant: "earliest-is-latest",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 4);
    // The default, where the topic is the case's own from its beginning.
    const initialPosition = topic.start === "earliest" ? undefined : topic.start;
    const member = context.member(topic, { group: await context.group(topic), initialPosition }, recordInto(history));
    await context.until(() => member.consumer.status().state === "running", "the member to run");
    const later = history.continued();
    await publish(context, later, topic, keyNames(12), 1);
    const everything = [...history.sent, ...later.sent];
    // Each key's newest message comes last: whatever there is of it has come before.
    await context.until(() => later.sent.every((value) => history.hasReceived(value)), "what was sent last to come");
    await member.close();
    checkExactlyOnceInOrder(everything, history.received, topic.name);
  },
});

export const groupStartCases = [
  beforeTheFirstFetch,
  everyPartition,
  onceAssigned,
  membersAtOnce,
  fromLatest,
  positionWins,
  fromBookmark,
  fromTimestamp,
  earliest,
];
