import { expectEqual, expectTrue } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { withoutGroups } from "../../support/group-admin-steps.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const groups = defineCase({
  name: "group/admin/come-and-go",
  promise: 11,
  mutant: "deleting-a-group-does-nothing",
  gates: { groupAdmin: withoutGroups },
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
    const again = context.history();
    again.sent.push(...history.sent);
    context.member(topic, { group }, recordInto(again));
    await untilComplete(context, again);
  },
});

export const groupAdminCases = [groups];
