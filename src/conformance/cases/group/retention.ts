import { isStreamError } from "../../../errors.ts";
import type { Gap } from "../../../position/range-types.ts";
import { expectEqual, expectTrue, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import type { CaseTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { topicWithRetention, untilRetentionActed } from "../../support/retention.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

interface OvertakenGroup {
  readonly topic: CaseTopic;
  readonly group: string;
  /** Messages stored behind the lost ones. */
  readonly later: History;
}

/** A group with a position and without members, while retention removes the messages behind that position. */
async function overtakenGroup(context: CaseContext): Promise<OvertakenGroup> {
  const topic = await topicWithRetention(context);
  const group = await context.group(topic);
  const lost = context.history();
  const handled = context.history();
  const member = context.member(topic, { group }, recordInto(handled));
  await publish(context, lost, topic, keyNames(8), 1);
  await context.until(() => handled.distinct === 8, "a group to have a position");
  await member.close();
  await publish(context, lost, topic, keyNames(8), 2);
  await untilRetentionActed(context, topic);
  const later = lost.continued();
  await publish(context, later, topic, keyNames(8), 2);
  return { topic, group, later };
}

/** Gaps are not detected: the group continues behind the missing messages without an error. */
async function goesOnAsDeclared(context: CaseContext): Promise<void> {
  const { topic, group, later } = await overtakenGroup(context);
  const member = context.member(topic, { group }, recordInto(later));
  await untilComplete(context, later);
  await member.close();
  checkExactlyOnceInOrder(later.sent, later.received, topic.name);
}

const outOfRange = defineCase({
  name: "group/retention/out-of-range",
  promise: 4,
  mutant: "hides-gaps",
  gates: { gapDetected: goesOnAsDeclared },
  run: async (context) => {
    const { topic, group, later } = await overtakenGroup(context);
    const member = context.member(topic, { group }, recordInto(later)).expectFailure();
    const promise = "a committed position that is older than retention";
    await context.until(() => member.ended || later.distinct === later.sent.length, `${promise}: to be refused`);
    expectTrue(member.ended, `${promise}: the group went on behind the gap without an error`);
    const error = await member.failure(promise);
    expectTrue(
      isStreamError(error, "position-out-of-range"),
      `${promise}: run rejects with position-out-of-range, not ${showError(error)}`,
    );
    expectEqual(error.topic, topic.name, `${promise}: the error names the topic`);
  },
});

const gapAccepted = defineCase({
  name: "group/retention/gap-accepted",
  promise: 4,
  mutant: "hides-gaps",
  gates: { gapDetected: goesOnAsDeclared },
  run: async (context) => {
    const { topic, group, later } = await overtakenGroup(context);
    const gaps: Gap[] = [];
    const member = context.member(topic, { group, onGap: (gap) => void gaps.push(gap) }, recordInto(later));
    await untilComplete(context, later);
    await member.close();
    expectTrue(gaps.length > 0, "onGap is called for a group that goes on behind a gap");
    expectEqual(new Set(gaps.map(({ partition }) => partition)).size, gaps.length, "partitions of all reported gaps, each once");
    checkExactlyOnceInOrder(later.sent, later.received, topic.name);
    // A gap is reported once: the position of the group is behind it now.
    const after = later.continued();
    await publish(context, after, topic, keyNames(8), 1);
    const next = context.member(topic, { group }, recordInto(after));
    await untilComplete(context, after);
    await next.close();
  },
});

export const groupRetentionCases = [outOfRange, gapAccepted];
