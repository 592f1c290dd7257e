import { isStreamError } from "../../../errors.ts";
import { expectEqual, expectRejection, expectTrue, expectUnsupported, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { defineCase } from "../../define-case.ts";
import { checkAtLeastOnceInOrder, checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { untilShared } from "../../support/partition-owners.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

async function refusesGroupAdmin(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  await expectUnsupported(async () => context.admin.listGroups(topic.name), "groupAdmin");
  await expectUnsupported(async () => context.admin.deleteGroup(topic.name, "any"), "groupAdmin");
}

const groups = defineCase({
  name: "group/admin/come-and-go",
  promise: 11,
  mutant: "deleting-a-group-does-nothing",
  gates: { groupAdmin: refusesGroupAdmin },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const member = context.member(topic, { group }, recordInto(history));
    await publish(context, history, topic, keyNames(6), 2);
    await untilComplete(context, history);
    await member.close();
    expectTrue((await context.admin.listGroups(topic.name)).includes(group), "a group that has a position is listed");
    expectEqual((await context.admin.describeGroup(topic.name, group)).name, group, "a description names the group");
    await context.within(context.admin.deleteGroup(topic.name, group), "a group to be deleted");
    expectTrue(!(await context.admin.listGroups(topic.name)).includes(group), "a group that was deleted is not listed");
    const again = history.again();
    context.member(topic, { group }, recordInto(again));
    await untilComplete(context, again);
  },
});

const listed = defineCase({
  name: "group/admin/listed-names",
  promise: 11,
  mutant: "lists-groups-of-others",
  gates: { groupAdmin: refusesGroupAdmin },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(6), 1);
    const wanted = [await context.group(topic), await context.group(topic)];
    for (const group of wanted) {
      const received = history.again();
      const member = context.member(topic, { group, initialPosition: topic.start }, recordInto(received));
      await untilComplete(context, received);
      await member.close();
    }
    const names = await context.admin.listGroups(topic.name);
    expectEqual(new Set(names).size, names.length, "names of groups, each listed once");
    for (const group of wanted) expectTrue(names.includes(group), "a group that has handled something is listed");
    for (const name of names) {
      expectEqual((await context.admin.describeGroup(topic.name, name)).name, name, "a name that is listed is described");
      if (context.capabilities.lagInMessages || context.capabilities.lagInTime) await context.admin.lag(topic.name, name);
    }
  },
});

/**
 * Where members are not known, reset and delete do not ask for them: the caller has to make sure that none is left. A member that is
 * left goes on, or ends because its group is gone, and the group that is begun anew has handled nothing.
 */
async function actsBesideMembers(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  const history = context.history();
  const group = await context.group(topic);
  await publish(context, history, topic, keyNames(6), 2);
  const member = context.member(topic, { group }, recordInto(history)).expectFailure();
  await untilComplete(context, history);
  const { admin, capabilities } = context;
  expectEqual((await admin.describeGroup(topic.name, group)).members, null, "members that the provider does not know are null");
  if (capabilities.groupReset) {
    await context.within(admin.resetGroup(topic.name, group, "latest"), "a reset beside a member");
    await publish(context, history, topic, keyNames(6), 2);
    await untilComplete(context, history);
    checkAtLeastOnceInOrder(history.sent, history.received, topic.name);
    expectEqual(member.error, null, "the error of a member beside which its group was moved");
  }
  if (!capabilities.groupAdmin) return member.close();
  await context.within(admin.deleteGroup(topic.name, group), "a deletion beside a member");
  await member.close();
  expectTrue(
    member.error === null || isStreamError(member.error, "not-found"),
    `a member whose group was deleted goes on, or ends as not-found, not as ${showError(member.error)}`,
  );
  // A member that went on may have begun the group anew.
  if ((await admin.listGroups(topic.name)).includes(group))
    await context.within(admin.deleteGroup(topic.name, group), "a group to be deleted");
  const again = history.again();
  const next = context.member(topic, { group }, recordInto(again, "next"));
  await untilComplete(context, again);
  await next.close();
  checkExactlyOnceInOrder(history.sent, again.received, topic.name);
}

const besideMembers = defineCase({
  name: "group/admin/beside-members",
  promise: 11,
  mutant: "resets-beside-members-in-silence",
  gates: { groupMembers: actsBesideMembers },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const members = [context.connection, await context.connect()].map((connection, index) =>
      context.member(topic, { group }, recordInto(history, `member-${index}`), connection),
    );
    await untilShared(context, topic, members);
    await publish(context, history, topic, keyNames(6), 2);
    await untilComplete(context, history);
    const { admin, capabilities } = context;
    expectEqual((await admin.describeGroup(topic.name, group)).members, 2, "members of a group with two");
    if (capabilities.groupReset) {
      await expectRejection(async () => admin.resetGroup(topic.name, group, topic.start), "conflict", "a reset beside members");
    }
    if (capabilities.groupAdmin) {
      await expectRejection(async () => admin.deleteGroup(topic.name, group), "conflict", "a deletion beside members");
    }
    await publish(context, history, topic, keyNames(6), 1);
    await untilComplete(context, history);
    await Promise.all(members.map(async (member) => member.close()));
    await context.deadline.untilAsked(
      async () => (await admin.describeGroup(topic.name, group)).members === 0,
      "a group whose members have left to have none",
    );
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const groupAdminCases = [groups, listed, besideMembers];
