import { isStreamError } from "../../errors.ts";
import { expectEqual, expectTrue, expectUnsupported, showError } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder, checkOrder } from "../history/check.ts";
import { identify } from "../history/history.ts";
import { keyNames } from "../history/sequenced.ts";
import { recordInto } from "../member.ts";
import { publish, untilComplete } from "../stream-steps.ts";

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

export const groupMovedCases = [lateResults, besideJoining];
