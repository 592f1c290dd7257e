import { setImmediate as nextTurn } from "node:timers/promises";
import type { Codec } from "../../../codec/codec.ts";
import type { Bookmark } from "../../../tokens.ts";
import type { Message } from "../../../message.ts";
import { expectEqual, expectRejection, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { type History, identify } from "../../history/history.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../../history/sequenced.ts";
import { TOMBSTONE_GATE } from "../../support/compacted-topic.ts";
import { countingArrivals } from "../../support/counting-arrivals.ts";
import { publish, readStored } from "../../support/stream-steps.ts";

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
    // The sixth message was requested but not handed out, so it is behind the bookmark.
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

/** Messages that have arrived, and the end of a partition, do not move the bookmark: only handed-out messages do. */
const arrived = defineCase({
  name: "replay/bookmark/ahead-of-nothing-that-arrived",
  promise: 9,
  mutant: "advances-before-it-delivers",
  run: async (context) => {
    const topic = await context.topic();
    const sent = context.history();
    await publish(context, sent, topic, keyNames(12), 1);
    for (let count = 0; count <= sent.sent.length; count += 1) {
      const both = sent.again();
      const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
      const iterator = reader[Symbol.asyncIterator]();
      await countingArrivals(context, topic, async (partitions) => {
        const arrivals = (): number => [...partitions.values()].reduce((sum, messages) => sum + messages, 0);
        while (both.received.length < count) {
          const result = await context.within(iterator.next(), "a message");
          if (result.done === true) break;
          both.receive(result.value, "first");
          // The other partitions have arrived too, but nothing of them is handed out yet.
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

/** As if it was stored in a file or a database and read by another process. */
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
    // A provider that makes bookmarks itself has that of a closed reader only if it was asked for one before.
    await context.within(reader.bookmark(), "a reader to open");
    const readSome = async (): Promise<void> => {
      for await (const message of reader) {
        history.receive(message, "first");
        if (history.received.length === 23) break;
      }
    };
    await context.within(readSome(), "23 messages");
    // Leaving the loop closed the reader; its bookmark is still known.
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
    await context.within(reader.bookmark(), "a reader to open");
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

const READ_AT_ONCE = 14;

/** A log with holes: wherever the application leaves the loop, the bookmark is before all that was not handed out. */
const holes = defineCase({
  name: "replay/bookmark/between-holes",
  promise: 9,
  mutant: "reports-holes-too-early",
  gates: TOMBSTONE_GATE,
  run: async (context) => {
    const compact = context.compaction();
    const topic = await context.topic();
    const superseded = context.history();
    const left = superseded.continued();
    // In each partition, messages that stay and messages that are removed alternate.
    for (let round = 0; round < 4; round += 1) {
      await publish(
        context,
        left,
        topic,
        keyNames(8).map((key) => `${key}-${round}`),
        1,
      );
      await publish(context, superseded, topic, keyNames(12), 1);
    }
    await publish(
      context,
      left,
      topic,
      keyNames(12).map((key) => `last-${key}`),
      1,
    );
    await publish(context, superseded, topic, keyNames(12), 1);
    const stays = new Set(keyNames(12).map((key) => identify({ key, sequence: 4 })));
    left.sent.push(...superseded.sent.filter((value) => stays.has(identify(value))));
    await compact(topic);
    await readStored(context, left, topic);
    checkExactlyOnceInOrder(left.sent, left.received, topic.name);
    const stream = sequencedTopic(context.connection, topic);
    const readInTwoParts = async (count: number): Promise<void> => {
      const both = left.again();
      const reader = stream.reader({ from: topic.start, until: "now" });
      await context.within(reader.bookmark(), "a reader to open");
      const readSome = async (): Promise<void> => {
        for await (const message of reader) {
          both.receive(message);
          if (both.received.length === count) break;
        }
      };
      await context.within(readSome(), "some messages of a compacted topic");
      await readStored(context, both, topic, { from: { bookmark: await reader.bookmark() } });
      checkExactlyOnceInOrder(both.sent, both.received, topic.name);
    };
    // Several at a time: one after the other, a hundred readers of a slow provider take longer than a case may.
    const counts = left.sent.map((_, index) => index + 1);
    for (let next = 0; next < counts.length; next += READ_AT_ONCE) {
      await Promise.all(counts.slice(next, next + READ_AT_ONCE).map((count) => readInTwoParts(count)));
    }
  },
});

/** What a reader has handed out, and what is read from its bookmark, are together everything. */
async function expectTheRest(
  context: CaseContext,
  topic: CaseTopic,
  sent: History,
  handedOut: readonly Message<Sequenced>[],
  bookmark: Bookmark,
): Promise<void> {
  const both = sent.again();
  for (const message of handedOut) both.receive(message, "first");
  await readStored(context, both, topic, { from: { bookmark } });
  checkExactlyOnceInOrder(both.sent, both.received, topic.name);
}

async function take(
  context: CaseContext,
  iterator: AsyncIterator<Message<Sequenced>, void, void>,
  count: number,
): Promise<readonly Message<Sequenced>[]> {
  const messages: Message<Sequenced>[] = [];
  for (let taken = 0; taken < count; taken += 1) {
    const next = await context.within(iterator.next(), "a message");
    if (next.done !== true) messages.push(next.value);
  }
  expectEqual(messages.length, count, "messages before the end of the range");
  return messages;
}

const several = defineCase({
  name: "replay/bookmark/several-of-one-reader",
  promise: 9,
  mutant: "mark-covers-what-was-delivered",
  run: async (context) => {
    const topic = await context.topic();
    const sent = context.history();
    await publish(context, sent, topic, keyNames(12), 5);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
    const iterator = reader[Symbol.asyncIterator]();
    const handedOut: Message<Sequenced>[] = [];
    const bookmarks: { readonly bookmark: Bookmark; readonly count: number }[] = [];
    for (const count of [0, 1, 6, 20, sent.sent.length]) {
      handedOut.push(...(await take(context, iterator, count - handedOut.length)));
      bookmarks.push({ bookmark: throughJson(await context.within(reader.bookmark(), "a bookmark")), count });
    }
    await context.within(reader.close(), "a reader to close");
    // Each can be used in any order, and more than once.
    for (const { bookmark, count } of [...bookmarks.toReversed(), ...bookmarks]) {
      await expectTheRest(context, topic, sent, handedOut.slice(0, count), bookmark);
    }
  },
});

const again = defineCase({
  name: "replay/bookmark/again-when-closed",
  promise: 9,
  mutant: "mark-forgets-what-was-handed-out",
  run: async (context) => {
    const topic = await context.topic();
    const sent = context.history();
    await publish(context, sent, topic, keyNames(12), 5);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
    const iterator = reader[Symbol.asyncIterator]();
    const first = await take(context, iterator, 5);
    const earlier = await context.within(reader.bookmark(), "a bookmark");
    const more = await take(context, iterator, 18);
    await context.within(reader.close(), "a reader to close");
    await expectTheRest(
      context,
      topic,
      sent,
      [...first, ...more],
      await context.within(reader.bookmark(), "the bookmark of a closed reader"),
    );
    await expectTheRest(context, topic, sent, first, earlier);
  },
});

const ofItsMoment = defineCase({
  name: "replay/bookmark/of-its-moment",
  promise: 9,
  mutant: "bookmarks-wait-for-the-next",
  run: async (context) => {
    const topic = await context.topic();
    const sent = context.history();
    await publish(context, sent, topic, keyNames(12), 3);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
    const iterator = reader[Symbol.asyncIterator]();
    const first = await take(context, iterator, 3);
    // The application goes on while its bookmark is made.
    const asked = context.later(reader.bookmark());
    const meanwhile = context.later(Promise.all([1, 2, 3, 4, 5].map(() => iterator.next())));
    const bookmark = await context.within(asked, "a bookmark");
    const more = (await context.within(meanwhile, "messages")).flatMap((next) => (next.done === true ? [] : [next.value]));
    expectEqual(more.length, 5, "messages that were taken while a bookmark was made");
    await expectTheRest(context, topic, sent, first, bookmark);
    await expectTheRest(context, topic, sent, [...first, ...more], await context.within(reader.bookmark(), "the next bookmark"));
    await reader.close();
  },
});

const unasked = defineCase({
  name: "replay/bookmark/first-asked-when-closed",
  promise: 9,
  mutant: "bookmark-off-by-one",
  run: async (context) => {
    const topic = await context.topic();
    const sent = context.history();
    await publish(context, sent, topic, keyNames(12), 2);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
    const handedOut = await take(context, reader[Symbol.asyncIterator](), 7);
    await context.within(reader.close(), "a reader to close");
    const ask = async (): Promise<Bookmark> => context.within(reader.bookmark(), "the bookmark of a closed reader");
    // A provider that makes bookmarks itself would have to make one for every reader that is closed.
    if (context.capabilities.bookmarkLifetimeMs === null) await expectTheRest(context, topic, sent, handedOut, await ask());
    else await expectRejection(ask, "closed", "a bookmark that is asked for when it can no longer be made");
  },
});

export const replayBookmarkCases = [pending, arrived, resume, edges, batches, holes, several, again, ofItsMoment, unasked];
