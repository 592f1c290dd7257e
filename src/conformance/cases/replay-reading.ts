import { expectRejection, expectSequence, expectTrue } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { plainText } from "../plain-codecs.ts";
import { publish, readAll, readStored } from "../stream-steps.ts";

const everything = defineCase({
  name: "replay/reading/everything",
  promise: 8,
  mutant: "replays-without-the-first",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(10), 10);
    for (let time = 0; time < 2; time += 1) {
      const again = context.history();
      await readStored(context, again, topic);
      checkExactlyOnceInOrder(history.sent, again.received, topic.name);
    }
  },
});

const follow = defineCase({
  name: "replay/reading/follows",
  promise: 8,
  mutant: "follower-ends-at-now",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(6), 3);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start });
    let ended = false;
    const reading = async (): Promise<void> => {
      for await (const message of reader) history.receive(message, "reader");
      ended = true;
      context.deadline.notify();
    };
    const running = context.later(reading());
    for (let round = 0; round < 3; round += 1) {
      await context.until(
        () => ended || history.distinct === history.sent.length,
        () => `a reader without an end to follow: ${history.distinct} of ${history.sent.length} messages`,
      );
      expectTrue(!ended, "a reader without an end goes on");
      await publish(context, history, topic, keyNames(6), 2);
    }
    await context.until(() => history.distinct === history.sent.length, "the last messages");
    await context.within(reader.close(), "a reader to close while it waits");
    await context.within(running, "the iteration to end when its reader is closed");
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const corrupt = defineCase({
  name: "replay/reading/corrupt",
  promise: 8,
  mutant: "hides-what-cannot-be-decoded",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, ["one"], 2);
    const plain = context.connection.topic(topic.name, { codec: plainText });
    await context.within(plain.producer().send({ key: "one", value: "no sequenced value" }), "a send");
    await publish(context, history, topic, ["one"], 1);
    const stream = sequencedTopic(context.connection, topic);
    await expectRejection(
      async () => readAll(context, stream, { from: topic.start, until: "now" }),
      "corrupt",
      "a replay over what cannot be decoded",
    );
    const told: string[] = [];
    await readStored(context, history, topic, { onCorrupt: (error) => void told.push(error.code) });
    expectSequence(told, ["corrupt"], "onCorrupt is told of it");
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const replayReadingCases = [everything, follow, corrupt];
