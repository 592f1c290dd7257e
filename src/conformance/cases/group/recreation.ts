import type { ConsumerOptions } from "../../../consume/consumer-types.ts";
import { isStreamError } from "../../../errors.ts";
import { expectRejection, expectTrue, expectUnsupported, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import type { CaseTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { recreateTopic } from "../../support/recreate-topic.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const KEYS = keyNames(8);

/** A topic that was created again after these groups had handled what was in the former one, and what is stored in it since. */
async function groupsOfFormerTopic(context: CaseContext, count: number) {
  const topic = await context.topic();
  const before = context.history();
  const groups: string[] = [];
  await publish(context, before, topic, KEYS, 2);
  while (groups.length < count) {
    const group = await context.group(topic);
    const received = before.again();
    const member = context.member(topic, { group }, recordInto(received));
    await untilComplete(context, received);
    await member.close();
    groups.push(group);
  }
  await recreateTopic(context, topic);
  const stored = before.continued();
  await publish(context, stored, topic, KEYS, 2);
  return { topic, groups, stored };
}

/** The group handles all that is stored in the new topic, and nothing else. */
async function expectToBegin(context: CaseContext, topic: CaseTopic, group: string, stored: History): Promise<void> {
  const received = stored.again();
  const member = context.member(topic, { group, initialPosition: "earliest" }, recordInto(received));
  await untilComplete(context, received);
  await member.close();
  checkExactlyOnceInOrder(received.sent, received.received, topic.name);
}

async function expectRefusedMember(
  context: CaseContext,
  topic: CaseTopic,
  options: ConsumerOptions,
  code: "position-mismatch" | "not-found",
): Promise<void> {
  const what = `a member of a group of a former topic, with initialPosition ${JSON.stringify(options.initialPosition)}, to end`;
  const member = context.member(topic, options, () => undefined);
  await expectRejection(
    async () => {
      throw await member.failure(what);
    },
    code,
    "a member of a group whose topic was deleted and created again",
  );
}

/** The group is still there. Its places mean nothing in the new topic, and what is stored there must not be skipped. */
async function expectRefusedUntilMoved(
  context: CaseContext,
  topic: CaseTopic,
  [reset, deleted]: readonly [string, string],
  stored: History,
): Promise<void> {
  const { admin, capabilities } = context;
  for (const initialPosition of ["earliest", "latest", "fail"] as const) {
    await expectRefusedMember(context, topic, { group: reset, initialPosition }, "position-mismatch");
  }
  const what = "a group of a former topic, until it is reset or deleted";
  await expectRejection(async () => admin.describeGroup(topic.name, reset), "position-mismatch", what);
  if (capabilities.lagInMessages || capabilities.lagInTime) {
    await expectRejection(async () => admin.lag(topic.name, reset), "position-mismatch", what);
  }
  await context.within(admin.resetGroup(topic.name, reset, "earliest"), "a group of a former topic to be reset");
  await expectToBegin(context, topic, reset, stored);
  await context.within(admin.deleteGroup(topic.name, deleted), "a group of a former topic to be deleted");
  await expectToBegin(context, topic, deleted, stored);
}

/** Nobody can tell the topics apart. A group that gets nothing any more says so, and none goes on at a place of the former topic. */
async function beginsOrIsRefused(context: CaseContext): Promise<void> {
  const { topic, groups, stored } = await groupsOfFormerTopic(context, 1);
  const [group] = groups as [string];
  const received = stored.again();
  const member = context.member(topic, { group, initialPosition: "earliest" }, recordInto(received)).expectFailure();
  await context.until(
    () => member.ended || received.distinct >= received.sent.length,
    () => `a member to be refused, or to receive all ${received.sent.length} messages; it received ${received.distinct}`,
  );
  if (member.error === null) {
    await member.close();
    checkExactlyOnceInOrder(received.sent, received.received, topic.name);
    return;
  }
  const isCoded = isStreamError(member.error, "not-found", "conflict");
  expectTrue(isCoded, `a group that gets nothing of a re-created topic is not-found or conflict, not ${showError(member.error)}`);
  await context.within(context.admin.deleteGroup(topic.name, group), "a group of a former topic to be deleted");
  await expectToBegin(context, topic, group, stored);
}

const ofFormerTopic = defineCase({
  name: "group/recreation/refused-or-gone",
  promise: 9,
  mutant: "begins-anew-in-a-new-topic",
  gates: {
    topicAdmin: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.deleteTopic(topic.name), "topicAdmin");
    },
    groupAdmin: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.listGroups(topic.name), "groupAdmin");
    },
    recreationDetected: beginsOrIsRefused,
    groupReset: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => context.admin.resetGroup(topic.name, "any", "earliest"), "groupReset");
    },
  },
  run: async (context) => {
    const { topic, groups, stored } = await groupsOfFormerTopic(context, 2);
    const [reset, deleted] = groups as [string, string];
    const listed = await context.admin.listGroups(topic.name);
    if (listed.includes(reset)) {
      await expectRefusedUntilMoved(context, topic, [reset, deleted], stored);
      return;
    }
    // The group went with its topic.
    expectTrue(!listed.includes(deleted), "of two groups of a former topic both are listed, or none");
    await expectRefusedMember(context, topic, { group: reset, initialPosition: "fail" }, "not-found");
    await expectToBegin(context, topic, reset, stored);
    await expectToBegin(context, topic, deleted, stored);
  },
});

export const groupRecreationCases = [ofFormerTopic];
