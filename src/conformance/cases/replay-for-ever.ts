import { expectTrue } from "../assertions.ts";
import { DEFAULT_TOPIC, sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkComplete, checkNoDuplicates, checkNothingForeign } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { reshapeGates } from "../reshard-steps.ts";
import { publish, readStored, untilComplete } from "../stream-steps.ts";

const MORE = DEFAULT_TOPIC.partitions * 2;
const KEYS = keyNames(48);

const addedPartitions = defineCase({
  name: "replay/for-ever/added-partitions",
  promise: 7,
  mutant: "reader-overlooks-added-partitions",
  gates: reshapeGates("partitionGrowth", MORE),
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, KEYS, 2);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start });
    const readAll = async (): Promise<void> => {
      for await (const message of reader) history.receive(message, "reader");
    };
    const reading = context.later(readAll());
    await untilComplete(context, history);
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE, mayReorder: true }), "the topic to grow");
    await publish(context, history, topic, KEYS, 2);
    await untilComplete(context, history);
    const bookmark = await context.within(reader.bookmark(), "the bookmark of a reader without an end");
    await context.within(reader.close(), "a reader to close while it waits");
    await context.within(reading, "the iteration to end when its reader is closed");
    checkNothingForeign(history.sent, history.received, topic.name);
    checkNoDuplicates(history.received);
    expectTrue(
      history.received.some(({ partition }) => !topic.partitions.includes(partition)),
      "what is sent after growth is stored in new partitions as well, and read",
    );
    // The bookmark stands behind the last message of the added partitions too.
    const later = history.continued();
    await publish(context, later, topic, KEYS, 1);
    await readStored(context, later, topic, { from: { bookmark } });
    checkNothingForeign(later.sent, later.received, topic.name);
    checkNoDuplicates(later.received);
    checkComplete(later.sent, later.received);
  },
});

export const replayForEverCases = [addedPartitions];
