import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectRejection, expectTrue, expectUnsupported, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder, checkNothingForeign, checkOrder } from "../../history/check.ts";
import { identify } from "../../history/history.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { RARE_COMMITS } from "../../support/consumer-settings.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

async function refusesReset(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", "earliest"), "groupReset");
}

/**
 * Where members are not known, nothing refuses a reset, and the caller has to make sure that no member is left. Beside a member the
 * group skips or repeats what was sent before, and nothing else: what is sent after the reset comes, in order. Without a member
 * the same reset is exact.
 */
async function resetsBesideMember(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  const group = await context.group(topic);
  const keys = keyNames(6);
  const [stuckKey] = keys;
  const stuck = context.latch();
  const all = context.history();
  let isBusy = false;
  // Some messages are handled and not stored, and one is in its handler.
  const member = context.member(topic, { group, concurrency: 8, commit: RARE_COMMITS }, async (message) => {
    if (message.value.key === stuckKey && !stuck.isOpen) {
      isBusy = true;
      await stuck.opened;
    }
    all.receive(message, "first");
  });
  await publish(context, all, topic, keys, 2);
  await context.until(() => isBusy && all.distinct === 2 * (keys.length - 1), "every other key to be handled");
  for (const to of ["latest", topic.start] as const) {
    await context.within(context.admin.resetGroup(topic.name, group, to), "a reset beside a member");
    const before = all.sent.length;
    await publish(context, all, topic, keys, 2);
    stuck.open();
    const later = all.sent.slice(before);
    await context.until(
      () => later.every((value) => all.hasReceived(value)),
      "messages sent after a reset beside a member to be delivered",
    );
    const isLater = new Set(later.map(identify));
    checkOrder(all.received.filter((value) => isLater.has(identify(value))));
  }
  checkNothingForeign(all.sent, all.received, topic.name);
  await member.close();
  await context.within(context.admin.resetGroup(topic.name, group, topic.start), "a reset when the member has left");
  const again = all.again();
  const second = context.member(topic, { group }, recordInto(again, "second"));
  await untilComplete(context, again);
  await second.close();
  checkExactlyOnceInOrder(all.sent, again.received, topic.name);
}

async function refusalOf(context: CaseContext, call: () => Promise<void>): Promise<unknown> {
  try {
    await context.within(call(), "a reset while a member joins to be done or refused");
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
    const first = context.member(topic, { group, concurrency: 8, commit: RARE_COMMITS }, async (message) => {
      if (message.value.key === "key-0") {
        await stuck.opened;
        returned = true;
      } else handled += 1;
    });
    await context.until(() => handled === 7 * 4, "every other key to be handled");
    // Some messages are handled and not stored, and one is still in its handler: their member has left.
    await first.close(30);
    await context.within(context.admin.resetGroup(topic.name, group, topic.start), "a group to be moved back");
    stuck.open();
    await context.until(() => returned, "the late handler to return");
    const again = history.again();
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
  gates: { groupReset: refusesReset, groupMembers: resetsBesideMember },
  run: async (context) => {
    const topic = await context.topic();
    const group = await context.group(topic);
    let current = context.history();
    await publish(context, current, topic, keyNames(12), 2);
    const first = context.member(topic, { group }, recordInto(current, "first"));
    await untilComplete(context, current);
    await first.close();
    const handled = new Set(current.sent.map(identify));
    let moved = 0;
    for (let round = 0; round < 6; round += 1) {
      const seen = context.history();
      const join = () => context.member(topic, { group }, recordInto(seen, `round-${round}`));
      // The provider decides whether the member or the reset is first. Its answer holds for every partition.
      const early = round % 2 === 0 ? join() : null;
      const refusal = await refusalOf(context, async () => context.admin.resetGroup(topic.name, group, topic.start));
      expectTrue(
        refusal === null || isStreamError(refusal, "conflict"),
        `a reset while a member joins is done or a conflict, not ${showError(refusal)}`,
      );
      const member = early ?? join();
      current = current.continued();
      await publish(context, current, topic, keyNames(12), 1);
      const { sent } = current;
      await context.until(() => sent.every((value) => seen.hasReceived(value)), "messages sent after the reset to be delivered");
      await member.close();
      const again = seen.received.filter((value) => handled.has(identify(value))).length;
      const [expected, what] = refusal === null ? [handled.size, "done"] : [0, "refused"];
      expectEqual(again, expected, `messages redelivered after a reset that was ${what}`);
      checkOrder(seen.received);
      if (refusal === null) moved += 1;
      for (const value of sent) handled.add(identify(value));
    }
    expectTrue(moved >= 3, "a reset without a member is done");
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
    if (context.capabilities.groupMembers) {
      await expectRejection(
        async () => context.admin.resetGroup(topic.name, group, topic.start),
        "conflict",
        "a group with a member is not moved",
      );
    }
    await first.close();
    await context.within(context.admin.resetGroup(topic.name, group, topic.start), "a group to be moved back");
    const again = history.again();
    const second = context.member(topic, { group }, recordInto(again, "second"));
    await untilComplete(context, again);
    checkAtLeastOnceInOrder(history.sent, again.received, topic.name);
    await second.close();
    // And forward: the messages in between are skipped.
    await publish(context, history, topic, keyNames(8), 2);
    await context.within(context.admin.resetGroup(topic.name, group, "latest"), "a group to be moved on");
    const after = history.continued();
    context.member(topic, { group }, recordInto(after, "third"));
    await publish(context, after, topic, keyNames(8), 1);
    await untilComplete(context, after);
    checkAtLeastOnceInOrder(after.sent, after.received, topic.name);
  },
});

export const groupResetCases = [lateResults, besideJoining, reset];
