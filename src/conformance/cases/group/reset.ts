import { isStreamError } from "../../../errors.ts";
import type { Message } from "../../../message.ts";
import { expectEqual, expectRejection, expectSequence, expectTrue, expectUnsupported, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { DEFAULT_TOPIC, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder, checkOrder } from "../../history/check.ts";
import { identify } from "../../history/history.ts";
import { type Sequenced, keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { endOf } from "../../support/end-of.ts";
import { expectLogs, logsOf, publishAroundATime, selectFrom, storedFrom } from "../../support/partition-logs.ts";
import { reshapeGates } from "../../support/reshard-steps.ts";
import { publish, readAll, untilComplete } from "../../support/stream-steps.ts";

const RARELY = { everyMs: 3_600_000, everyMessages: 1_000_000 };

async function refusesReset(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", "earliest"), "groupReset");
}

async function refusalOf(context: CaseContext, call: () => Promise<void>): Promise<unknown> {
  try {
    await context.within(call(), "a reset beside a member that joins to be done or refused");
    return null;
  } catch (error) {
    return error;
  }
}

const lateResults = defineCase({
  name: "group/reset/late-results-cannot-move-it",
  promise: 7,
  mutant: "commits-behind-a-reset",
  gates: { groupReset: refusesReset },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(8), 4);
    const stuck = context.latch();
    let handled = 0;
    let returned = false;
    const first = context.member(topic, { group, concurrency: 8, commit: RARELY }, async (message) => {
      if (message.value.key === "key-0") {
        await stuck.opened;
        returned = true;
      } else handled += 1;
    });
    await context.until(() => handled === 7 * 4, "every other key to be handled");
    // Handled and not stored yet, and one still in its handler: both belong to a member that is no more.
    await first.close(30);
    await context.within(context.admin.resetGroup(topic.name, group, topic.start), "a group to be moved back");
    stuck.open();
    await context.until(() => returned, "the late handler to return");
    const again = context.history();
    again.sent.push(...history.sent);
    const second = context.member(topic, { group }, recordInto(again, "second"));
    await untilComplete(context, again);
    await second.close();
    checkExactlyOnceInOrder(history.sent, again.received, topic.name);
  },
});

const besideJoining = defineCase({
  name: "group/reset/beside-joining-members",
  promise: 8,
  mutant: "resets-some-partitions",
  gates: { groupReset: refusesReset },
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    let page = context.history();
    await publish(context, page, topic, keyNames(12), 2);
    const first = context.member(topic, { group }, recordInto(page, "first"));
    await untilComplete(context, page);
    await first.close();
    const handled = new Set(page.sent.map(identify));
    let moved = 0;
    for (let round = 0; round < 6; round += 1) {
      const seen = context.history();
      const join = () => context.member(topic, { group }, recordInto(seen, `round-${round}`));
      // Who is first is left to the provider; whatever it says holds for every partition.
      const early = round % 2 === 0 ? join() : null;
      const refusal = await refusalOf(context, async () => context.admin.resetGroup(topic.name, group, topic.start));
      expectTrue(
        refusal === null || isStreamError(refusal, "conflict"),
        `a reset beside a member is done or a conflict, not ${showError(refusal)}`,
      );
      const member = early ?? join();
      page = page.continued();
      await publish(context, page, topic, keyNames(12), 1);
      const { sent } = page;
      await context.until(() => sent.every((value) => seen.hasReceived(value)), "what is sent after the reset to come");
      await member.close();
      const again = seen.received.filter((value) => handled.has(identify(value))).length;
      const [expected, what] = refusal === null ? [handled.size, "done"] : [0, "refused"];
      expectEqual(again, expected, `messages that came again after a reset that was ${what}`);
      checkOrder(seen.received);
      if (refusal === null) moved += 1;
      for (const value of sent) handled.add(identify(value));
    }
    expectTrue(moved >= 3, "a reset that nobody is beside is done");
  },
});

const reset = defineCase({
  name: "group/reset/back-and-forward",
  promise: 8,
  mutant: "reset-does-nothing",
  gates: {
    groupReset: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", "earliest"), "groupReset");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    await publish(context, history, topic, keyNames(8), 3);
    const first = context.member(topic, { group }, recordInto(history, "first"));
    await untilComplete(context, history);
    await expectRejection(
      async () => context.admin.resetGroup(topic.name, group, topic.start),
      "conflict",
      "a group with a member is not moved",
    );
    await first.close();
    await context.within(context.admin.resetGroup(topic.name, group, topic.start), "a group to be moved back");
    const again = context.history();
    again.sent.push(...history.sent);
    const second = context.member(topic, { group }, recordInto(again, "second"));
    await untilComplete(context, again);
    checkAtLeastOnceInOrder(history.sent, again.received, topic.name);
    await second.close();
    // And forward: what lies between is skipped.
    await publish(context, history, topic, keyNames(8), 2);
    await context.within(context.admin.resetGroup(topic.name, group, "latest"), "a group to be moved on");
    const after = history.continued();
    context.member(topic, { group }, recordInto(after, "third"));
    await publish(context, after, topic, keyNames(8), 1);
    await untilComplete(context, after);
    checkAtLeastOnceInOrder(after.sent, after.received, topic.name);
  },
});

const MORE = DEFAULT_TOPIC.partitions * 2;

const onePartition = defineCase({
  name: "group/reset/one-partition",
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
    // Each key's newest message comes last: whatever is repeated has come before.
    await context.until(
      () => after.sent.every((value) => after.hasReceived(value)),
      () => `what was sent after the reset to come: ${after.distinct} messages came`,
    );
    await second.close();
    const repeated = after.received.filter((value) => history.hasReceived(value));
    expectSequence(repeated.map(identify), log.slice(middle).map(identify), "a position moves its own partition to it, and no other");
  },
});

const toBookmark = defineCase({
  name: "group/reset/to-a-bookmark",
  promise: 8,
  mutant: "reset-does-nothing",
  gates: {
    groupReset: async (context) => {
      const topic = await context.topic();
      const bookmark = await endOf(context, topic);
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", { bookmark }), "groupReset");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const before = context.history();
    await publish(context, before, topic, keyNames(8), 2);
    const bookmark = await endOf(context, topic);
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
    await context.until(() => newest.every((value) => behind.hasReceived(value)), "what was sent after the reset to come");
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
  name: "group/reset/to-a-bookmark-older-than-partitions",
  promise: 8,
  mutant: "reset-leaves-added-partitions",
  gates: {
    groupReset: async (context) => {
      const topic = await context.topic();
      const bookmark = await endOf(context, topic);
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", { bookmark }), "groupReset");
    },
    ...reshapeGates("partitionGrowth", MORE),
  },
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    const before = context.history();
    await publish(context, before, topic, keyNames(16), 1);
    const first = context.member(topic, { group }, recordInto(before, "first"));
    await untilComplete(context, before);
    await first.close();
    const standing = (await context.admin.describeGroup(topic.name, group)).bookmark;
    const bookmarks = [await endOf(context, topic), ...(standing === null ? [] : [standing])];
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE, mayReorder: true }), "the topic to grow");
    const behind = before.continued();
    await publish(context, behind, topic, keyNames(48), 1);
    for (const bookmark of bookmarks) {
      await context.within(context.admin.resetGroup(topic.name, group, "latest"), "a group to be moved to the end");
      await context.within(context.admin.resetGroup(topic.name, group, { bookmark }), "a group to be moved back to a bookmark");
      if (context.capabilities.lagInMessages) {
        const { messages } = await context.admin.lag(topic.name, group);
        expectEqual(messages, behind.sent.length, "the lag of a group at a bookmark that is older than some partitions");
      }
      const again = before.continued();
      again.sent.push(...behind.sent);
      const member = context.member(topic, { group }, recordInto(again, "again"));
      await untilComplete(context, again);
      await member.close();
      checkExactlyOnceInOrder(again.sent, again.received, topic.name);
    }
  },
});

const afterAMessage = defineCase({
  name: "group/reset/after-a-message",
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
      // A marker comes last: what comes before it is what the group was moved to.
      await publish(context, behind, topic, ["key"], 1);
      const again = context.history();
      const member = context.member(topic, { group }, recordInto(again, "again"));
      await context.until(() => again.hasReceived(behind.sent.at(-1)!), "what was sent after the reset to come");
      await member.close();
      const expected = [...history.sent, ...behind.sent].slice(index + 1).map(({ sequence }) => sequence);
      expectSequence(again.receivedOf("key"), expected, `{ after } message #${index} moves a group just behind it`);
    }
  },
});

const toATime = defineCase({
  name: "group/reset/to-a-time",
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
      () => `a group that was moved to the time of a message to be given ${wanted} messages, that one included; it got ${messages.length}`,
    );
    await member.close();
    expectLogs(logsOf(context, messages), expected, "a group that was moved to the time of a message is given it and what is behind it");
  },
});

export const groupResetCases = [lateResults, besideJoining, reset, onePartition, toBookmark, toAnOlderBookmark, afterAMessage, toATime];
