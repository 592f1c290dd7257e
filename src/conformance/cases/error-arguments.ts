import { expectRejection } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";

const emptyKey = defineCase({
  name: "error/arguments/empty-key",
  promise: 12,
  mutant: "accepts-empty-keys",
  run: async (context) => {
    const topic = await context.topic();
    const producer = sequencedTopic(context.connection, topic).producer();
    const value = context.history().next(topic.name, "key");
    await expectRejection(() => context.within(producer.send({ value, key: "" }), "a refusal"), "invalid-argument", "an empty key");
  },
});

export const errorArgumentCases = [emptyKey];
