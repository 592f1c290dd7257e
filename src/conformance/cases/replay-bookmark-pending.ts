import { setImmediate as nextTurn } from "node:timers/promises";
import type { Codec } from "../../codec/codec.ts";
import { expectEqual } from "../assertions.ts";
import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../history/sequenced.ts";
import { publish, readStored } from "../stream-work.ts";

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

export const replayBookmarkPendingCases = [pending];
