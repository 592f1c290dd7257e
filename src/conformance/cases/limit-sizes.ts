import { expectRejection } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";

const longKey = defineCase({
  name: "limit/key-bytes",
  promise: 11,
  mutant: "lets-long-keys-through",
  run: async (context) => {
    const topic = await context.topic();
    const producer = sequencedTopic(context.connection, topic).producer();
    const key = "k".repeat(context.capabilities.limits.keyBytes + 1);
    const value = context.history().next(topic.name, key);
    await expectRejection(
      () => context.within(producer.send({ value, key }), "a refusal"),
      ["invalid-argument", "too-large"],
      "a key over the limit",
    );
  },
});

export const limitCases = [longKey];
