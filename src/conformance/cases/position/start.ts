import type { Message } from "../../../message.ts";
import type { ReaderOptions } from "../../../replay/reader-types.ts";
import { expectEqual, expectRejection, expectSequence, expectTrue, expectUnsupported } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { type CaseBody, defineCase } from "../../define-case.ts";
import { type Sequenced, keyNames, showSequenced } from "../../history/sequenced.ts";
import { expectLogs, logsOf } from "../../support/partition-logs.ts";
import { edgesOf, refusesPositions, showLog, storedLog, storedLogs } from "../../support/stored-logs.ts";
import { publish, readAll } from "../../support/stream-steps.ts";

const after = defineCase({
  name: "position/start/around-each-end",
  promise: 8,
  mutant: "bookmark-off-by-one",
  gates: { startAtPosition: refusesPositions },
  run: async (context) => {
    const topic = await context.topic({ partitions: 2 });
    const stream = sequencedTopic(context.connection, topic);
    for (const log of await storedLogs(context, topic)) {
      const partitions = context.capabilities.partitions ? [log[0]!.partition] : undefined;
      for (const index of edgesOf(log)) {
        const { position } = log[index]!;
        const which = `message ${index} of ${log.length}`;
        const behind = await readAll(context, stream, { from: { after: position }, until: "now", partitions });
        expectSequence(showLog(behind), showLog(log.slice(index + 1)), `from { after } ${which}`);
        const at = await readAll(context, stream, { from: { at: position }, until: "now", partitions });
        expectSequence(showLog(at), showLog(log.slice(index)), `from { at } ${which}`);
      }
    }
  },
});

const receipts = defineCase({
  name: "position/start/of-a-receipt",
  promise: 9,
  mutant: "receipts-backwards",
  gates: {
    startAtPosition: refusesPositions,
    receiptPositions: async (context) => {
      const topic = await context.topic();
      const [receipt] = await publish(context, context.history(), topic, ["key"], 1);
      expectTrue(receipt?.position === null, "a receipt has no position where receiptPositions is off");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const sentReceipts = await publish(context, history, topic, keyNames(6), 3);
    const stream = sequencedTopic(await context.connect(), topic);
    const all = await readAll(context, stream, { from: topic.start, until: "now" });
    for (const index of [0, 7, sentReceipts.length - 1]) {
      const { position, partition } = sentReceipts[index]!;
      const sent = history.sent[index]!;
      expectTrue(position !== null && partition !== null, "a receipt has a position and a partition");
      const partitions = context.capabilities.partitions ? [partition] : undefined;
      const log = all.filter((message) => message.partition === partition);
      const from = log.findIndex(({ value }) => value.key === sent.key && value.sequence === sent.sequence);
      const messages = await readAll(context, stream, { from: { at: position }, until: "now", partitions });
      expectLogs(logsOf(context, messages), logsOf(context, log.slice(from)), `from the position in the receipt of ${showSequenced(sent)}`);
    }
  },
});

function expectSame(actual: readonly Message<Sequenced>[], expected: readonly Message<Sequenced>[], promise: string): void {
  expectSequence(showLog(actual), showLog(expected), promise);
}

const inclusive = defineCase({
  name: "position/start/at-and-after",
  promise: 8,
  mutant: "position-off-by-one",
  gates: { startAtPosition: refusesPositions },
  run: async (context) => {
    const topic = await context.topic();
    const log = await storedLog(context, topic);
    const { position, partition } = log[4]!;
    const partitions = context.capabilities.partitions ? [partition] : undefined;
    const stream = sequencedTopic(await context.connect(), topic);
    const at = await readAll(context, stream, { from: { at: position }, until: "now", partitions });
    expectSame(at, log.slice(4), "a range from { at } starts with that message");
    const after = await readAll(context, stream, { from: { after: position }, until: "now", partitions });
    expectSame(after, log.slice(5), "a range from { after } starts behind that message");
    const last = log.at(-1)!;
    const nothing = await readAll(context, stream, { from: { after: last.position }, until: "now", partitions });
    expectSame(nothing, [], "a range after the last message is empty");
  },
});

const betweenPositions = defineCase({
  name: "position/start/window",
  promise: 8,
  mutant: "ignores-the-end",
  gates: { startAtPosition: refusesPositions },
  run: async (context) => {
    const topic = await context.topic();
    const log = await storedLog(context, topic);
    const [early, late] = [log[2]!.position, log[6]!.position];
    const partitions = context.capabilities.partitions ? [log[0]!.partition] : undefined;
    const stream = sequencedTopic(await context.connect(), topic);
    const closed = await readAll(context, stream, { from: { at: early }, until: { through: late }, partitions });
    expectSame(closed, log.slice(2, 7), "from a message through a later one: both, and what lies between");
    const open = await readAll(context, stream, { from: { after: early }, until: { through: late }, partitions });
    expectSame(open, log.slice(3, 7), "from behind a message through a later one");
    const one = await readAll(context, stream, { from: { at: late }, until: { through: late }, partitions });
    expectSame(one, log.slice(6, 7), "from a message through itself: that message");
    const inverted = await readAll(context, stream, { from: { after: late }, until: { through: early }, partitions });
    expectSame(inverted, [], "a range that ends before it starts is empty");
  },
});

/** Without the capability `partitions`, a reader takes a position alone and refuses the option `partitions`. */
const alone: CaseBody = async (context) => {
  const topic = await context.topic();
  const { position, partition } = (await storedLog(context, topic))[0]!;
  const stream = sequencedTopic(context.connection, topic);
  const read = async (range: ReaderOptions): Promise<readonly unknown[]> => readAll(context, stream, { until: "now", ...range });
  expectTrue((await read({ from: { at: position } })).length > 0, "without the capability partitions a reader takes a position alone");
  await expectUnsupported(async () => read({ from: { at: position }, partitions: [partition] }), "partitions");
};

const itsPartition = defineCase({
  name: "position/start/its-own-partition",
  promise: 9,
  mutant: "takes-a-position-of-another-partition",
  gates: { startAtPosition: refusesPositions, partitions: alone },
  run: async (context) => {
    const topic = await context.topic();
    const { position, partition } = (await storedLog(context, topic))[0]!;
    const stream = sequencedTopic(context.connection, topic);
    const other = topic.partitions.find((candidate) => candidate !== partition)!;
    for (const partitions of [[other], topic.partitions]) {
      for (const range of [{ from: { at: position }, until: "now" }, { until: { through: position } }] satisfies ReaderOptions[]) {
        const open = async (): Promise<unknown> => readAll(context, stream, { ...range, partitions });
        await expectRejection(
          open,
          "invalid-argument",
          `a position together with ${partitions.length} partitions that are not only its own`,
        );
      }
    }
    const message = await readAll(context, stream, { from: { at: position }, until: { through: position }, partitions: [partition] });
    expectEqual(message.length, 1, "a position together with its own partition names its message");
  },
});

const partitionOfItsOwn = defineCase({
  name: "position/start/without-partitions",
  promise: 9,
  mutant: "position-reads-every-partition",
  gates: { startAtPosition: refusesPositions, partitions: alone },
  run: async (context) => {
    const topic = await context.topic();
    const log = await storedLog(context, topic);
    const [early, late] = [log[2]!.position, log[6]!.position];
    const stream = sequencedTopic(await context.connect(), topic);
    const read = async (range: ReaderOptions): Promise<readonly Message<Sequenced>[]> => readAll(context, stream, range);
    const what = "without the option partitions reads only its own partition";
    expectSame(await read({ from: { at: early }, until: { through: late } }), log.slice(2, 7), `{ at } through a later position ${what}`);
    expectSame(await read({ from: { at: early }, until: "now" }), log.slice(2), `{ at } ${what}`);
    expectSame(await read({ from: { after: early }, until: "now" }), log.slice(3), `{ after } ${what}`);
    expectSame(await read({ from: topic.start, until: { through: late } }), log.slice(0, 7), `{ through } ${what}`);
    const others = await read({ from: topic.start, until: "now" });
    const foreign = others.find(({ partition }) => partition !== log[0]!.partition)!.position;
    const open = async (): Promise<unknown> => read({ from: { at: early }, until: { through: foreign } });
    await expectRejection(open, "invalid-argument", "a range between positions of two partitions");
  },
});

export const positionStartCases = [after, receipts, inclusive, betweenPositions, itsPartition, partitionOfItsOwn];
