import { expectEqual, expectTrue } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";
import { keyNames } from "../../history/sequenced.ts";
import { recordInto } from "../../member.ts";
import { withoutGroups } from "../../support/group-admin-steps.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const listed = defineCase({
  name: "group/list/names-that-other-calls-take",
  promise: 11,
  mutant: "lists-groups-of-others",
  gates: { groupAdmin: withoutGroups },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(6), 1);
    const wanted = [await context.group(topic), await context.group(topic)];
    for (const group of wanted) {
      const received = history.continued();
      received.sent.push(...history.sent);
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

export const groupListCases = [listed];
