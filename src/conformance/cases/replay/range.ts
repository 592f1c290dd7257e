import type { Message } from "../../../message.ts";
import { expectEqual, expectRejection, expectTrue, expectUnsupported } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkComplete, checkExactlyOnceInOrder, checkNothingForeign, checkOrder } from "../../history/check.ts";
import { type Sequenced, keyNames, showSequenced } from "../../history/sequenced.ts";
import { type CompactedTopic, TOMBSTONE_GATE, compactedTopic } from "../../support/compacted-topic.ts";
import { bookmarkBehindAll, endBookmark } from "../../support/end-bookmark.ts";
import { expectLogs, logsOf, selectFrom } from "../../support/partition-logs.ts";
import { publish, readAll, readStored } from "../../support/stream-steps.ts";

const compactedTail = defineCase({
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

const compactedBookmarks = defineCase({
  name: "replay/range/compacted-between-bookmarks",
  promise: 9,
  mutant: "stops-early-on-a-compacted-tail",
  gates: TOMBSTONE_GATE,
  run: async (context) => {
    const { topic, left } = await compactedTopic(context);
    const stream = sequencedTopic(context.connection, topic);
    const end = await endBookmark(context, topic);
    const reader = stream.reader({ from: topic.start, until: "now" });
    // A provider that makes bookmarks itself has that of a closed reader only if it was asked for one before.
    await context.within(reader.bookmark(), "a reader to open");
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

/** The position of a removed message still means its place in the log. */
const compactedPositions = defineCase({
  name: "replay/range/compacted-positions",
  promise: 9,
  mutant: "bookmark-off-by-one",
  gates: {
    ...TOMBSTONE_GATE,
    startAtPosition: async (context) => {
      // Where readers cannot start at positions, only the range from the start is read.
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
  const which = `message ${index} of ${before.length}, some of which were removed`;
  expectLogs(await read({ from: { at: position }, until: "now" }), expected(before.slice(index)), `{ at } ${which}`);
  expectLogs(await read({ from: { after: position }, until: "now" }), expected(before.slice(index + 1)), `{ after } ${which}`);
  expectLogs(await read({ from: topic.start, until: { through: position } }), expected(before.slice(0, index + 1)), `{ through } ${which}`);
}

const untilNow = defineCase({
  name: "replay/range/until-now",
  promise: 8,
  mutant: "reads-past-now",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(8), 3);
    const stored = [...history.sent];
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start, until: "now" });
    await context.within(reader.bookmark(), "a reader to open");
    await publish(context, history, topic, keyNames(8), 3);
    // Where the end is not a position, messages stored while it reads may be handed out too.
    const exact = context.capabilities.readerEnd === "position";
    const reading = async (): Promise<void> => {
      for await (const message of reader) {
        if (exact && message.value.sequence >= 3) {
          throw new PromiseViolation(`until "now": ${showSequenced(message.value)} was stored after the reader had opened`);
        }
        history.receive(message);
      }
    };
    await context.within(reading(), `a reader until "now" to end by itself`);
    checkNothingForeign(history.sent, history.received, topic.name);
    checkOrder(history.received);
    checkComplete(stored, history.received);
  },
});

const empty = defineCase({
  name: "replay/range/empty",
  promise: 8,
  mutant: "latest-is-earliest",
  run: async (context) => {
    const topic = await context.topic();
    const stream = sequencedTopic(context.connection, topic);
    const nothing = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(nothing.length, 0, "messages of a topic that holds none");
    await publish(context, context.history(), topic, keyNames(8), 3);
    const latest = await readAll(context, stream, { from: "latest", until: "now" });
    expectEqual(latest.length, 0, "messages between the end and now");
    if (!context.capabilities.endAtBookmark) return;
    const end = await endBookmark(context, topic);
    const sameBookmark = await readAll(context, stream, { from: { bookmark: end }, until: { bookmark: end } });
    expectEqual(sameBookmark.length, 0, "messages between a bookmark and itself");
  },
});

const latest = defineCase({
  name: "replay/range/from-latest",
  promise: 8,
  mutant: "latest-is-earliest",
  run: async (context) => {
    const topic = await context.topic();
    const before = context.history();
    await publish(context, before, topic, keyNames(8), 2);
    const reader = sequencedTopic(context.connection, topic).reader({ from: "latest" });
    await context.within(reader.bookmark(), "a reader to open");
    const later = before.continued();
    await publish(context, later, topic, keyNames(8), 2);
    const reading = async (): Promise<void> => {
      for await (const message of reader) {
        if (before.sent.some(({ key, sequence }) => key === message.value.key && sequence === message.value.sequence)) {
          throw new PromiseViolation(`from "latest": ${showSequenced(message.value)} was stored before the reader opened`);
        }
        later.receive(message);
        if (later.distinct === later.sent.length) break;
      }
    };
    await context.within(reading(), "what was published after the reader opened");
    checkExactlyOnceInOrder(later.sent, later.received, topic.name);
  },
});

/** A reader from the latest fixes its start when it opens: not when it first reads, or when its bookmark is first used. */
const latestOnceOpen = defineCase({
  name: "replay/range/latest-once-open",
  promise: 8,
  mutant: "readers-look-up-latest-late",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, context.history(), topic, keyNames(8), 2);
    const stream = sequencedTopic(context.connection, topic);
    const reader = stream.reader({ from: "latest" });
    const bookmark = await context.within(reader.bookmark(), "a reader to open");
    const keys = keyNames(16).map((key) => `later-${key}`);
    await publish(context, history, topic, keys, 2);
    const elsewhere = history.again();
    await readStored(context, elsewhere, topic, { from: { bookmark } }, await context.connect());
    checkExactlyOnceInOrder(elsewhere.sent, elsewhere.received, topic.name);
    const reading = async (): Promise<void> => {
      for await (const message of reader) {
        history.receive(message);
        if (history.distinct === history.sent.length) break;
      }
    };
    await context.deadline.within(
      reading(),
      () => `messages sent after the reader had opened: ${history.distinct} of ${history.sent.length} messages`,
    );
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

async function readPartitions(
  context: CaseContext,
  topic: CaseTopic,
  partitions: readonly string[],
): Promise<readonly Message<Sequenced>[]> {
  return readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now", partitions });
}

const somePartitions = defineCase({
  name: "replay/range/partitions",
  promise: 8,
  mutant: "reads-all-partitions",
  gates: {
    partitions: async (context) => {
      const topic = await context.topic();
      await expectUnsupported(async () => readPartitions(context, topic, ["0"]), "partitions");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    await publish(context, context.history(), topic, keyNames(24), 3);
    const all = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
    const wanted = topic.partitions.slice(1, 3);
    const some = await readPartitions(context, topic, wanted);
    for (const { partition } of some) {
      expectTrue(wanted.includes(partition), `only the partitions ${wanted.join(" and ")} were asked for, not ${partition}`);
    }
    const inWanted = selectFrom(logsOf(context, all), (log) => log.filter(({ partition }) => wanted.includes(partition)));
    expectLogs(logsOf(context, some), inWanted, "a reader of some partitions reads all of them");
    await expectRejection(async () => readPartitions(context, topic, ["no such partition"]), "invalid-argument", "an unknown partition");
  },
});

const betweenBookmarks = defineCase({
  name: "replay/range/between-bookmarks",
  promise: 8,
  mutant: "ignores-the-end",
  gates: {
    endAtBookmark: async (context) => {
      const topic = await context.topic();
      const bookmark = await bookmarkBehindAll(context, topic);
      const stream = sequencedTopic(context.connection, topic);
      await expectUnsupported(async () => readAll(context, stream, { until: { bookmark } }), "endAtBookmark");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const before = context.history();
    await publish(context, before, topic, keyNames(8), 3);
    const from = await endBookmark(context, topic);
    const inside = before.continued();
    await publish(context, inside, topic, keyNames(8), 3);
    const until = await endBookmark(context, topic);
    await publish(context, inside.continued(), topic, keyNames(8), 3);
    await readStored(context, inside, topic, { from: { bookmark: from }, until: { bookmark: until } });
    checkExactlyOnceInOrder(inside.sent, inside.received, topic.name);
  },
});

export const replayRangeCases = [
  compactedTail,
  compactedBookmarks,
  compactedPositions,
  untilNow,
  empty,
  latest,
  latestOnceOpen,
  somePartitions,
  betweenBookmarks,
];
