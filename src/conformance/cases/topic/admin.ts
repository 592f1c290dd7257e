import { expectEqual, expectRejection, expectSequence, expectTrue, expectUnsupported } from "../../assertions.ts";
import { defineCase } from "../../define-case.ts";

const comesAndGoes = defineCase({
  name: "topic/admin/comes-and-goes",
  promise: 11,
  mutant: "creates-missing-topics",
  gates: {
    topicAdmin: async (context) => {
      const name = context.unusedName();
      await expectUnsupported(async () => context.admin.createTopic(name), "topicAdmin");
      await expectUnsupported(async () => context.admin.deleteTopic(name), "topicAdmin");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const { admin } = context;
    await expectRejection(async () => admin.createTopic(topic.name), "already-exists", "a topic that exists");
    expectTrue((await admin.listTopics()).includes(topic.name), "a topic that was created is listed");
    const description = await admin.describeTopic(topic.name);
    expectEqual(description.name, topic.name, "a description names the topic");
    expectSequence(description.partitions, topic.partitions, "a description lists the partitions");
    await context.within(admin.deleteTopic(topic.name), "a topic to be deleted");
    expectTrue(!(await admin.listTopics()).includes(topic.name), "a topic that was deleted is not listed");
    await expectRejection(async () => admin.describeTopic(topic.name), "not-found", "a topic that was deleted");
    await expectRejection(async () => admin.deleteTopic(topic.name), "not-found", "a second deletion");
  },
});

export const topicAdminCases = [comesAndGoes];
