import { expectTrue } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkComplete, checkExactlyOnceInOrder, checkNoDuplicates, checkNothingForeign } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { TOMBSTONE_GATE, compactedTopic } from "../../support/compacted-topic.ts";
import { MORE_PARTITIONS, partitionChangeGates } from "../../support/partition-change.ts";
import { publish, readStored, untilComplete } from "../../support/stream-steps.ts";

const follows = defineCase({
  name: "replay/for-ever/compacted-tail",
  promise: 8,
  mutant: "ends-at-a-compacted-tail",
  gates: TOMBSTONE_GATE,
  run: async (context) => {
    const { topic, left } = await compactedTopic(context);
    const later = left.continued();
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start });
    let ended = false;
    const reading = async (): Promise<void> => {
      for await (const message of reader) {
        const history = left.sent.some(({ key, sequence }) => key === message.value.key && sequence === message.value.sequence)
          ? left
          : later;
        history.receive(message, "reader");
      }
      ended = true;
      context.deadline.notify();
    };
    const running = context.later(reading());
    await context.until(() => ended || left.distinct === left.sent.length, "a reader without an end to hand out what compaction has left");
    const bookmark = await reader.bookmark();
    await publish(context, later, topic, ["key-0", "key-1", "key-2", "key-3", "new-0", "new-1", "new-2", "new-3"], 2);
    await context.until(() => ended || later.distinct === later.sent.length, "a reader without an end to go on behind a compacted tail");
    expectTrue(!ended, "a reader without an end goes on behind a compacted tail");
    await context.within(reader.close(), "a reader to close while it waits");
    await context.within(running, "the iteration to end when its reader is closed");
    checkExactlyOnceInOrder(left.sent, left.received, topic.name);
    checkExactlyOnceInOrder(later.sent, later.received, topic.name);
    const again = context.history();
    await readStored(context, again, topic, { from: { bookmark } });
    checkExactlyOnceInOrder(later.sent, again.received, topic.name);
  },
});

const KEYS = keyNames(48);

const addedPartitions = defineCase({
  name: "replay/for-ever/added-partitions",
  promise: 7,
  mutant: "reader-overlooks-added-partitions",
  gates: partitionChangeGates("partitionGrowth", MORE_PARTITIONS),
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
    await context.within(context.admin.updateTopic(topic.name, { partitions: MORE_PARTITIONS, mayReorder: true }), "the topic to grow");
    await publish(context, history, topic, KEYS, 2);
    await untilComplete(context, history);
    const bookmark = await context.within(reader.bookmark(), "the bookmark of a reader without an end");
    await context.within(reader.close(), "a reader to close while it waits");
    await context.within(reading, "the iteration to end when its reader is closed");
    checkNothingForeign(history.sent, history.received, topic.name);
    checkNoDuplicates(history.received);
    expectTrue(
      history.received.some(({ partition }) => !topic.partitions.includes(partition)),
      "messages sent after growth are also stored in new partitions, and read",
    );
    // The bookmark is behind the last message of the added partitions too.
    const later = history.continued();
    await publish(context, later, topic, KEYS, 1);
    await readStored(context, later, topic, { from: { bookmark } });
    checkNothingForeign(later.sent, later.received, topic.name);
    checkNoDuplicates(later.received);
    checkComplete(later.sent, later.received);
  },
});

export const replayForEverCases = [follows, addedPartitions];
