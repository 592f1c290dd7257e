import { expectRejection } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";

const afterClose = defineCase({
  name: "close/producer/use-after-close",
  promise: 10,
  mutant: "sends-after-close",
  run: async (context) => {
    const topic = await context.topic();
    const producer = sequencedTopic(context.connection, topic).producer();
    await producer.close();
    await producer.close();
    const message = { value: context.history().next(topic.name, "key") };
    await expectRejection(() => context.within(producer.send(message), "a send after close to be refused"), "closed", "send after close");
  },
});

export const closeProducerCases = [afterClose];
