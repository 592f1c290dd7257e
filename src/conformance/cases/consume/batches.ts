import { expectEqual, expectTrue } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { Member } from "../../member.ts";
import { publish, untilComplete } from "../../support/stream-steps.ts";

const notFilled = defineCase({
  name: "consume/batches/not-filled-in-time",
  promise: 10,
  mutant: "waits-until-a-batch-is-full",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const sizes: number[] = [];
    const options = {
      group: await context.group(topic),
      initialPosition: topic.start,
      batch: { maxMessages: 1_000, maxWaitMs: 30 },
    };
    const member = context.watch(
      Member.startBatches(context.deadline, sequencedTopic(context.connection, topic), options, (messages) => {
        sizes.push(messages.length);
        for (const message of messages) history.receive(message);
      }),
    );
    // Fewer messages than fill a batch, and no later ones: they are handed out after maxWaitMs.
    for (let round = 0; round < 3; round += 1) {
      await publish(context, history, topic, ["one", "two"], 2);
      await untilComplete(context, history);
    }
    await member.close();
    expectTrue(
      sizes.every((size) => size > 0),
      "no batch is empty, also if no message comes for long",
    );
    expectEqual(
      sizes.reduce((sum, size) => sum + size, 0),
      history.sent.length,
      "messages of all batches",
    );
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const consumeBatchesCases = [notFilled];
