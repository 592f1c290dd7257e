import type { Bookmark } from "../../tokens.ts";
import { expectEqual, expectTrue } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { publish, readStored } from "../stream-steps.ts";

/** As it would be stored in a file or a database and read by another process. */
function throughJson(bookmark: Bookmark): Bookmark {
  return (JSON.parse(JSON.stringify({ bookmark })) as { bookmark: Bookmark }).bookmark;
}

const resume = defineCase({
  name: "replay/bookmark/resume",
  promise: 9,
  mutant: "bookmark-off-by-one",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 5);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start });
    const readSome = async (): Promise<void> => {
      for await (const message of reader) {
        history.receive(message, "first");
        if (history.received.length === 23) break;
      }
    };
    await context.within(readSome(), "23 messages");
    // Leaving the loop closed the reader; where it stands is still known.
    const bookmark = throughJson(await context.within(reader.bookmark(), "the bookmark of a closed reader"));
    await readStored(context, history, topic, { from: { bookmark } }, await context.connect());
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const edges = defineCase({
  name: "replay/bookmark/before-and-after",
  promise: 9,
  mutant: "position-off-by-one",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(24), 3);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
    const before = throughJson(await context.within(reader.bookmark(), "the bookmark before the first message"));
    const readEverything = async (): Promise<void> => {
      let count = 0;
      for await (const message of reader) count += message.value.topic === topic.name ? 1 : 0;
      expectEqual(count, history.sent.length, "messages of the topic before the reader ended");
    };
    await context.within(readEverything(), "a reader to end");
    const after = throughJson(await context.within(reader.bookmark(), "the bookmark after the last message"));
    await readStored(context, history, topic, { from: { bookmark: before } });
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
    const later = history.continued();
    await publish(context, later, topic, keyNames(24), 2);
    await readStored(context, later, topic, { from: { bookmark: after } });
    checkExactlyOnceInOrder(later.sent, later.received, topic.name);
  },
});

const batches = defineCase({
  name: "replay/bookmark/batches",
  promise: 9,
  mutant: "bookmark-off-by-one",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(12), 5);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, batch: { maxMessages: 7 } });
    const readSome = async (): Promise<void> => {
      let count = 0;
      for await (const messages of reader.batches()) {
        expectTrue(messages.length >= 1 && messages.length <= 7, `a batch has 1 to 7 messages where 7 are allowed, not ${messages.length}`);
        for (const message of messages) history.receive(message, "first");
        count += 1;
        if (count === 4) break;
      }
      expectEqual(count, 4, "batches before the loop was left");
    };
    await context.within(readSome(), "four batches");
    const bookmark = throughJson(await context.within(reader.bookmark(), "the bookmark behind the last batch"));
    await readStored(context, history, topic, { from: { bookmark } });
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const replayBookmarkCases = [resume, edges, batches];
