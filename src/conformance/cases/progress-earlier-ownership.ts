import { expectTrue } from "../assertions.ts";
import { defineCase } from "../define-case.ts";
import { recordInto } from "../member.ts";
import { publish } from "../stream-steps.ts";

const earlierOwnership = defineCase({
  name: "progress/earlier-ownership-cannot-commit",
  promise: 7,
  mutant: "ownerships-pass-for-one",
  faults: ["lose-coordinator"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const group = await context.group(topic);
    const [first, second] = [context.latch(), context.latch()];
    let attempts = 0;
    let finished = 0;
    const member = context.member(topic, { group, commit: { everyMs: 5, everyMessages: 1 } }, async () => {
      attempts += 1;
      await (attempts === 1 ? first : second).opened;
      finished += 1;
    });
    await publish(context, history, topic, ["key"], 1);
    await context.until(() => attempts === 1, "the message to be in its handler");
    context.inject({ kind: "lose-coordinator", topic: topic.name });
    // The same member owns the partition again, and the message is in its handler again, or waits for its key to be free.
    await publish(context, context.history(), topic, ["other"], 1);
    await context.until(() => member.consumer.assigned.length === topic.partitions.length, "the member to own everything again");
    first.open();
    await context.until(() => finished === 1 && attempts >= 2, "the message to come again after the partition was lost");
    await member.close(20);
    expectTrue(finished === 1, "the second handler has not returned");
    await publish(context, history, topic, ["key"], 1);
    const third = context.member(topic, { group }, recordInto(history, "third"));
    await context.until(() => history.hasReceived({ key: "key", sequence: 1 }), "the next message of the key to come");
    expectTrue(
      history.hasReceived({ key: "key", sequence: 0 }),
      "a message comes again when the only handler that finished was one of an earlier ownership",
    );
    await third.close();
  },
});

export const earlierOwnershipCases = [earlierOwnership];
