import { expectSequence } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { edgesOf, refusesPositions, showLog, storedLogs } from "../../support/stored-logs.ts";
import { readAll } from "../../support/stream-steps.ts";

const through = defineCase({
  name: "position/end/around-each-end",
  promise: 8,
  mutant: "end-off-by-one",
  gates: { startAtPosition: refusesPositions },
  run: async (context) => {
    const topic = await context.topic({ partitions: 2 });
    const stream = sequencedTopic(context.connection, topic);
    for (const log of await storedLogs(context, topic)) {
      const partitions = context.capabilities.partitions ? [log[0]!.partition] : undefined;
      for (const index of edgesOf(log)) {
        const { position } = log[index]!;
        const messages = await readAll(context, stream, { from: topic.start, until: { through: position }, partitions });
        expectSequence(showLog(messages), showLog(log.slice(0, index + 1)), `until { through } message ${index} of ${log.length}`);
      }
    }
  },
});

export const positionEndCases = [through];
