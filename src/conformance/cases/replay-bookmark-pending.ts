import { setImmediate as nextTurn } from "node:timers/promises";
import type { Codec } from "../../codec/codec.ts";
import { expectEqual } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { countingArrivals } from "../counting-arrivals.ts";
import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../history/sequenced.ts";
import { publish, readStored } from "../stream-steps.ts";

const pending = defineCase({
  name: "replay/bookmark/while-a-message-is-decoded",
  promise: 9,
  mutant: "bookmarks-wait-for-the-next",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(8), 3);
    const decoding = context.latch();
    const codec: Codec<Sequenced> = {
      encode: (value, target) => sequencedCodec.encode(value, target),
      decode: async (stored, message) => {
        if (history.received.length >= 5) await decoding.opened;
        return sequencedCodec.decode(stored, message);
      },
    };
    const reader = context.connection.topic(topic.name, { codec }).reader({ from: topic.start, until: "now" });
    const iterator = reader[Symbol.asyncIterator]();
    for (let count = 0; count < 5; count += 1) {
      const result = await context.within(iterator.next(), "a message");
      if (result.done !== true) history.receive(result.value, "first");
    }
    // The sixth has been asked for and not been handed out: it is behind the bookmark.
    const sixth = context.later(iterator.next());
    await nextTurn();
    const bookmark = await context.within(reader.bookmark(), "the bookmark of a reader that decodes a message");
    decoding.open();
    const { done } = await context.within(sixth, "the sixth message");
    expectEqual(done ?? false, false, "the range ends behind its fifth message");
    await reader.close();
    await readStored(context, history, topic, { from: { bookmark } });
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

/** What has arrived of a partition, its end included, says nothing about where the application stands in it. */
const arrived = defineCase({
  name: "replay/bookmark/ahead-of-nothing-that-arrived",
  promise: 9,
  mutant: "advances-before-it-delivers",
  run: async (context) => {
    const topic = await context.topic();
    const sent = context.history();
    await publish(context, sent, topic, keyNames(12), 1);
    for (let count = 0; count <= sent.sent.length; count += 1) {
      const both = context.history();
      both.sent.push(...sent.sent);
      const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
      const iterator = reader[Symbol.asyncIterator]();
      await countingArrivals(context, topic, async (partitions) => {
        const arrivals = (): number => [...partitions.values()].reduce((sum, messages) => sum + messages, 0);
        while (both.received.length < count) {
          const result = await context.within(iterator.next(), "a message");
          if (result.done === true) break;
          both.receive(result.value, "first");
          // Of the partitions that have not had their turn everything is there as well, and nothing is handed out.
          await context.until(
            () => arrivals() >= sent.sent.length,
            () => `all of a range to arrive: ${arrivals()} of ${sent.sent.length} messages`,
          );
          await nextTurn();
        }
        expectEqual(both.received.length, count, "messages that were handed out one by one");
      });
      const bookmark = await context.within(reader.bookmark(), "a bookmark in the middle of a range");
      await context.within(reader.close(), "a reader to close");
      await readStored(context, both, topic, { from: { bookmark } });
      checkExactlyOnceInOrder(both.sent, both.received, topic.name);
    }
  },
});

export const replayBookmarkPendingCases = [pending, arrived];
