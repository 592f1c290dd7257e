import type { Message } from "../../../message.ts";
import { expectEqual, expectSequence, expectTrue, expectUnsupported } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { identify } from "../../history/history.ts";
import { type Sequenced, keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { bookmarkBehindAll, endBookmark } from "../../support/end-bookmark.ts";
import { expectLogs, logsOf, publishAroundATime, selectFrom, storedFrom } from "../../support/partition-logs.ts";
import { MORE_PARTITIONS, partitionChangeGates } from "../../support/partition-change.ts";
import { publish, readAll, untilComplete } from "../../support/stream-steps.ts";

const onePartition = defineCase({
  name: "group/reset-to/a-position",
  promise: 8,
  mutant: "position-resets-every-partition",
  gates: {
    groupReset: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", "latest"), "groupReset");
    },
    startAtPosition: async (context) => {
      const topic = await context.topic();
      await publish(context, context.history(), topic, ["key"], 1);
      const [message] = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
      expectTrue(message !== undefined, "a reader hands out what was published");
      const { position } = message;
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", { at: position }), "startAtPosition");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 4);
    const first = context.member(topic, { group }, recordInto(history, "first"));
    await untilComplete(context, history);
    await first.close();
    const log = history.received.filter(({ partition }) => partition === history.received[0]!.partition);
    const middle = Math.floor(log.length / 2);
    await context.within(
      context.admin.resetGroup(topic.name, group, { at: log[middle]!.position }),
      "one partition of a group to be moved",
    );
    const after = history.continued();
    await publish(context, after, topic, keyNames(12), 1);
    const second = context.member(topic, { group }, recordInto(after, "second"));
    // The newest message of each key is last, so all redelivered ones have come before.
    await context.until(
      () => after.sent.every((value) => after.hasReceived(value)),
      () => `messages sent after the reset to be delivered: ${after.distinct} messages came`,
    );
    await second.close();
    const repeated = after.received.filter((value) => history.hasReceived(value));
    expectSequence(repeated.map(identify), log.slice(middle).map(identify), "a position moves only its own partition");
  },
});

const toBookmark = defineCase({
  name: "group/reset-to/a-bookmark",
  promise: 8,
  mutant: "reset-does-nothing",
  gates: {
    groupReset: async (context) => {
      const topic = await context.topic();
      const bookmark = await bookmarkBehindAll(context, topic);
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", { bookmark }), "groupReset");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const before = context.history();
    await publish(context, before, topic, keyNames(8), 2);
    const bookmark = await bookmarkBehindAll(context, topic);
    const behind = before.continued();
    await publish(context, behind, topic, keyNames(8), 2);
    const all = context.history();
    const first = context.member(topic, { group }, recordInto(all, "first"));
    await context.until(() => all.distinct === before.sent.length + behind.sent.length, "a group to handle everything");
    await first.close();
    await context.within(context.admin.resetGroup(topic.name, group, { bookmark }), "a group to be moved back to a bookmark");
    await publish(context, behind, topic, keyNames(8), 1);
    const second = context.member(topic, { group }, recordInto(behind, "second"));
    const newest = behind.sent.slice(-8);
    await context.until(() => newest.every((value) => behind.hasReceived(value)), "messages sent after the reset to be delivered");
    await second.close();
    expectEqual(
      behind.received.filter((value) => before.sent.some((sent) => identify(sent) === identify(value))).length,
      0,
      "messages before the bookmark",
    );
    checkExactlyOnceInOrder(behind.sent, behind.received, topic.name);
  },
});

const toAnOlderBookmark = defineCase({
  name: "group/reset-to/an-older-bookmark",
  promise: 8,
  mutant: "reset-leaves-added-partitions",
  gates: {
    groupReset: async (context) => {
      const topic = await context.topic();
      const bookmark = await endBookmark(context, topic);
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", { bookmark }), "groupReset");
    },
    ...partitionChangeGates("partitionGrowth", MORE_PARTITIONS),
  },
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const before = context.history();
    await publish(context, before, topic, keyNames(16), 1);
    const first = context.member(topic, { group }, recordInto(before, "first"));
    await untilComplete(context, before);
    await first.close();
    const committed = (await context.admin.describeGroup(topic.name, group)).bookmark;
    const bookmarks = [await endBookmark(context, topic), ...(committed === null ? [] : [committed])];
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE_PARTITIONS, mayReorder: true }), "the topic to grow");
    const behind = before.continued();
    await publish(context, behind, topic, keyNames(48), 1);
    for (const bookmark of bookmarks) {
      await context.within(context.admin.resetGroup(topic.name, group, "latest"), "a group to be moved to the end");
      await context.within(context.admin.resetGroup(topic.name, group, { bookmark }), "a group to be moved back to a bookmark");
      if (context.capabilities.lagInMessages) {
        const { messages } = await context.admin.lag(topic.name, group);
        expectEqual(messages, behind.sent.length, "the lag of a group at a bookmark that is older than some partitions");
      }
      const again = behind.again();
      const member = context.member(topic, { group }, recordInto(again, "again"));
      await untilComplete(context, again);
      await member.close();
      checkExactlyOnceInOrder(again.sent, again.received, topic.name);
    }
  },
});

const afterAMessage = defineCase({
  name: "group/reset-to/after-a-message",
  promise: 8,
  mutant: "reset-off-by-one",
  gates: {
    groupReset: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", "earliest"), "groupReset");
    },
    startAtPosition: async (context) => {
      const topic = await context.topic();
      await publish(context, context.history(), topic, ["key"], 1);
      const [message] = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
      expectTrue(message !== undefined, "a reader hands out what was published");
      const { position } = message;
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", { after: position }), "startAtPosition");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const history = context.history();
    await publish(context, history, topic, ["key"], 6);
    const first = context.member(topic, { group }, recordInto(history, "first"));
    await untilComplete(context, history);
    await first.close();
    const behind = history.continued();
    for (const [index, { position }] of history.received.entries()) {
      await context.within(context.admin.resetGroup(topic.name, group, { after: position }), "a group to be moved behind a message");
      // A marker is published last: the messages before it show where the group was moved to.
      await publish(context, behind, topic, ["key"], 1);
      const again = context.history();
      const member = context.member(topic, { group }, recordInto(again, "again"));
      await context.until(() => again.hasReceived(behind.sent.at(-1)!), "messages sent after the reset to be delivered");
      await member.close();
      const expected = [...history.sent, ...behind.sent].slice(index + 1).map(({ sequence }) => sequence);
      expectSequence(again.receivedOf("key"), expected, `{ after } message #${index} moves a group just behind it`);
    }
  },
});

const toATime = defineCase({
  name: "group/reset-to/a-time",
  promise: 8,
  mutant: "reset-a-moment-late",
  gates: {
    groupReset: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", { timestamp: 0 }), "groupReset");
    },
    startAtTimestamp: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", { timestamp: 0 }), "startAtTimestamp");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    await publishAroundATime(context, context.history(), topic, keyNames(8), 2);
    const all = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
    const boundaryMs = all.find(({ value }) => value.sequence === 2)!.timestamp.getTime();
    const expected = selectFrom(logsOf(context, all), storedFrom(boundaryMs));
    await context.within(context.admin.resetGroup(topic.name, group, { timestamp: boundaryMs }), "a group to be moved to a time");
    const messages: Message<Sequenced>[] = [];
    const wanted = [...expected.values()].reduce((sum, log) => sum + log.length, 0);
    const member = context.member(topic, { group }, (message) => {
      messages.push(message);
      context.deadline.notify();
    });
    await context.until(
      () => messages.length >= wanted,
      () =>
        `a group that was moved to the time of a message to receive ${wanted} messages, including that message; it received ${messages.length}`,
    );
    await member.close();
    expectLogs(
      logsOf(context, messages),
      expected,
      "a group that was moved to the time of a message receives that message and all behind it",
    );
  },
});

export const groupResetToCases = [onePartition, toBookmark, toAnOlderBookmark, afterAMessage, toATime];
