import { expectSequence } from "../assertions.ts";
import { defineCase } from "../define-case.ts";
import { plainBytes } from "../plain-codecs.ts";
import { readAll } from "../stream-steps.ts";

const MESSAGES = 6;

const largeBatch = defineCase({
  name: "limit/batch-of-large-messages",
  promise: 11,
  mutant: "stores-the-first-of-a-call",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainBytes });
    const producer = stream.producer();
    const { messageBytes } = (await stream.capabilities()).limits;
    // Together more than any call may carry, one by one well within the limit.
    const value = (index: number): Uint8Array => new Uint8Array(Math.floor(messageBytes / 2.5)).fill(index);
    const messages = Array.from({ length: MESSAGES }, (_, index) => ({ key: "one", value: value(index) }));
    await context.within(producer.sendBatch(messages), "a batch that takes several calls");
    const stored = await readAll(context, stream, { from: topic.start, until: "now" });
    expectSequence(
      stored.map((message) => message.value[0]),
      messages.map((_, index) => index),
      "a batch that takes several calls is stored completely and in order",
    );
  },
});

export const limitCases = [largeBatch];
