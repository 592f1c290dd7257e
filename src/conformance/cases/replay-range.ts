import { expectSequence } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { readAll } from "../stream-work.ts";

const emptyTopic = defineCase({
  name: "replay/range/empty-topic",
  promise: 8,
  mutant: "hands-out-what-comes-later",
  run: async (context) => {
    const topic = await context.topic();
    const messages = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
    expectSequence(
      messages.map(({ position }) => position),
      [],
      "a replay of an empty topic ends with nothing",
    );
  },
});

export const replayRangeCases = [emptyTopic];
