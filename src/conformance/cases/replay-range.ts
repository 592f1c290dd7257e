import type { Message } from "../../message.ts";
import { expectEqual, expectRejection, expectTrue, expectUnsupported } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { PromiseViolation } from "../case-outcome.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { endOf } from "../end-of.ts";
import { checkComplete, checkExactlyOnceInOrder, checkNothingForeign, checkOrder } from "../history/check.ts";
import { type Sequenced, keyNames, showSequenced } from "../history/sequenced.ts";
import { expectLogs, logsOf, selectFrom } from "../partition-logs.ts";
import { publish, readAll, readStored } from "../stream-steps.ts";

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
    // Where the end is not a position, what is stored while it reads may come as well.
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
    const end = await endOf(context, topic);
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

/** Where a reader from the latest starts is settled when it opens: not when it, or whoever has its bookmark, first reads. */
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
    const elsewhere = history.continued();
    elsewhere.sent.push(...history.sent);
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
      () => `what came after the reader had opened: ${history.distinct} of ${history.sent.length} messages`,
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
      const bookmark = await endOf(context, topic);
      const stream = sequencedTopic(context.connection, topic);
      await expectUnsupported(async () => readAll(context, stream, { until: { bookmark } }), "endAtBookmark");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const before = context.history();
    await publish(context, before, topic, keyNames(8), 3);
    const from = await endOf(context, topic);
    const inside = before.continued();
    await publish(context, inside, topic, keyNames(8), 3);
    const until = await endOf(context, topic);
    await publish(context, inside.continued(), topic, keyNames(8), 3);
    await readStored(context, inside, topic, { from: { bookmark: from }, until: { bookmark: until } });
    checkExactlyOnceInOrder(inside.sent, inside.received, topic.name);
  },
});

export const replayRangeCases = [untilNow, empty, latest, latestOnceOpen, somePartitions, betweenBookmarks];
