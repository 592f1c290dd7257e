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
    const description = await admin.describeTopic(topic.name);
    expectEqual(description.name, topic.name, "a description names the topic");
    expectSequence(description.partitions, topic.partitions, "a description lists the partitions");
    await context.within(admin.deleteTopic(topic.name), "a topic to be deleted");
    if (context.capabilities.topicListing) {
      expectTrue(!(await admin.listTopics()).includes(topic.name), "a topic that was deleted is not listed");
    }
    await expectRejection(async () => admin.describeTopic(topic.name), "not-found", "a topic that was deleted");
    await expectRejection(async () => admin.deleteTopic(topic.name), "not-found", "a second deletion");
  },
});

const listing = defineCase({
  name: "topic/admin/listing",
  promise: 11,
  mutant: "forgets-to-list-new-topics",
  gates: { topicListing: async (context) => expectUnsupported(async () => context.admin.listTopics(), "topicListing") },
  run: async (context) => {
    const { admin } = context;
    const topics = [await context.topic(), await context.topic()];
    const names = await admin.listTopics();
    for (const { name } of topics) expectTrue(names.includes(name), "a topic that exists is listed");
    expectEqual(new Set(names).size, names.length, "names of topics, each listed once");
    expectTrue(!names.includes(context.unusedName()), "a topic that does not exist is not listed");
  },
});

export const topicAdminCases = [comesAndGoes, listing];
