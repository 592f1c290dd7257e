import { expectEqual, expectTrue } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { type CompactedTopic, TOMBSTONE_GATE, compactedTopic } from "../compaction-steps.ts";
import { defineCase } from "../define-case.ts";
import { endOf } from "../end-of.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { identify } from "../history/history.ts";
import { keyNames } from "../history/sequenced.ts";
import { expectLogs, logsOf, selectFrom } from "../partition-logs.ts";
import { publish, readAll, readStored } from "../stream-steps.ts";

const untilNow = defineCase({
  name: "replay/range/compacted-tail",
  promise: 8,
  mutant: "stops-early-on-a-compacted-tail",
  gates: TOMBSTONE_GATE,
  run: async (context) => {
    const { topic, left } = await compactedTopic(context);
    await readStored(context, left, topic);
    checkExactlyOnceInOrder(left.sent, left.received, topic.name);
    const latest = await readAll(context, sequencedTopic(context.connection, topic), { from: "latest", until: "now" });
    expectEqual(latest.length, 0, "messages between the end of a compacted log and now");
  },
});

const bookmarks = defineCase({
  name: "replay/range/compacted-between-bookmarks",
  promise: 9,
  mutant: "stops-early-on-a-compacted-tail",
  gates: TOMBSTONE_GATE,
  run: async (context) => {
    const { topic, left } = await compactedTopic(context);
    const stream = sequencedTopic(context.connection, topic);
    const end = await endOf(context, topic);
    const reader = stream.reader({ from: topic.start, until: "now" });
    const readSome = async (): Promise<void> => {
      for await (const message of reader) {
        left.receive(message);
        if (left.received.length === 5) break;
      }
    };
    await context.within(readSome(), "five messages of a compacted topic");
    const from = { bookmark: await reader.bookmark() };
    if (!context.capabilities.endAtBookmark) await readStored(context, left, topic, { from });
    else {
      await readStored(context, left, topic, { from, until: { bookmark: end } });
      const nothing = await readAll(context, stream, { from: { bookmark: end }, until: { bookmark: end } });
      expectEqual(nothing.length, 0, "messages between the end of a compacted log and itself");
    }
    checkExactlyOnceInOrder(left.sent, left.received, topic.name);
  },
});

/** Positions of messages that are no more mean the place where they were. */
const positions = defineCase({
  name: "replay/range/compacted-positions",
  promise: 9,
  mutant: "bookmark-off-by-one",
  gates: {
    ...TOMBSTONE_GATE,
    startAtPosition: async (context) => {
      // Without positions to start at, the bookmarks of the case above are all that there is.
      const { topic, left } = await compactedTopic(context);
      await readStored(context, left, topic);
      checkExactlyOnceInOrder(left.sent, left.received, topic.name);
    },
  },
  run: async (context) => {
    const compacted = await compactedTopic(context);
    const before = [...logsOf(context, compacted.before).values()][0]!;
    expectTrue(before.length >= 3, "a partition had messages before it was compacted");
    for (const index of before.keys()) await expectAround(context, compacted, before, index);
  },
});

async function expectAround(
  context: Parameters<typeof compactedTopic>[0],
  { topic, left }: CompactedTopic,
  before: CompactedTopic["before"],
  index: number,
): Promise<void> {
  const { position, partition } = before[index]!;
  const isLeft = ({ value }: CompactedTopic["before"][number]): boolean =>
    left.sent.some(({ key, sequence }) => key === value.key && sequence === value.sequence);
  const expected = (part: CompactedTopic["before"]) => selectFrom(logsOf(context, part), (log) => log.filter(isLeft));
  const partitions = context.capabilities.partitions ? [partition] : undefined;
  const stream = sequencedTopic(context.connection, topic);
  const read = async (range: Parameters<typeof readAll>[2]) => logsOf(context, await readAll(context, stream, { partitions, ...range }));
  const which = `message ${index} of ${before.length}, some of which are gone`;
  expectLogs(await read({ from: { at: position }, until: "now" }), expected(before.slice(index)), `{ at } ${which}`);
  expectLogs(await read({ from: { after: position }, until: "now" }), expected(before.slice(index + 1)), `{ after } ${which}`);
  expectLogs(await read({ from: topic.start, until: { through: position } }), expected(before.slice(0, index + 1)), `{ through } ${which}`);
}

/** Holes in the middle of a log: wherever a reader is left, what it has not handed out is still to come. */
const holes = defineCase({
  name: "replay/bookmark/between-holes",
  promise: 9,
  mutant: "tells-holes-before-what-lies-in-front",
  gates: TOMBSTONE_GATE,
  run: async (context) => {
    const compact = context.compaction();
    const topic = await context.topic();
    const superseded = context.history();
    const left = superseded.continued();
    // Of each partition some stay, and what follows them does not, and so on.
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
    for (let count = 1; count <= left.sent.length; count += 1) {
      const both = context.history();
      both.sent.push(...left.sent);
      const reader = stream.reader({ from: topic.start, until: "now" });
      const readSome = async (): Promise<void> => {
        for await (const message of reader) {
          both.receive(message);
          if (both.received.length === count) break;
        }
      };
      await context.within(readSome(), "some messages of a compacted topic");
      await readStored(context, both, topic, { from: { bookmark: await reader.bookmark() } });
      checkExactlyOnceInOrder(both.sent, both.received, topic.name);
    }
  },
});

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
        const page = left.sent.some(({ key, sequence }) => key === message.value.key && sequence === message.value.sequence) ? left : later;
        page.receive(message, "reader");
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

export const replayCompactedCases = [untilNow, bookmarks, positions, holes, follows];
