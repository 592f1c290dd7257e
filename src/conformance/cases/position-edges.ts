import type { Message } from "../../message.ts";
import { expectSequence, expectTrue } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { type Sequenced, keyNames, showSequenced } from "../history/sequenced.ts";
import { expectLogs, logsOf } from "../partition-logs.ts";
import { refusesPositions } from "../position-steps.ts";
import { publish, readAll } from "../stream-steps.ts";

type Log = readonly Message<Sequenced>[];

/** Each partition's messages, in stored order. */
async function storedLogs(context: CaseContext, topic: CaseTopic): Promise<readonly Log[]> {
  await publish(context, context.history(), topic, keyNames(8), 5);
  const messages = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
  return [...Map.groupBy(messages, ({ partition }) => partition).values()];
}

/** Where an error of one shows: at both ends, and in the middle. */
function edgesOf(log: Log): readonly number[] {
  const last = log.length - 1;
  return [...new Set([0, 1, Math.floor(last / 2), last - 1, last])].filter((index) => index >= 0);
}

function names(log: Log): readonly string[] {
  return log.map(({ value }) => showSequenced(value));
}

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
        expectSequence(names(behind), names(log.slice(index + 1)), `from { after } ${which}`);
        const at = await readAll(context, stream, { from: { at: position }, until: "now", partitions });
        expectSequence(names(at), names(log.slice(index)), `from { at } ${which}`);
      }
    }
  },
});

const through = defineCase({
  name: "position/end/around-each-end",
  promise: 8,
  mutant: "end-off-by-one",
  gates: { startAtPosition: refusesPositions },
  run: async (context) => {
    const topic = await context.topic({ partitions: 2 });
    const stream = sequencedTopic(context.connection, topic);
    for (const log of await storedLogs(context, topic)) {
      const partitions = context.capabilities.partitions ? [log[0]!.partition] : undefined;
      for (const index of edgesOf(log)) {
        const { position } = log[index]!;
        const messages = await readAll(context, stream, { from: topic.start, until: { through: position }, partitions });
        expectSequence(names(messages), names(log.slice(0, index + 1)), `until { through } message ${index} of ${log.length}`);
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
      expectTrue(receipt?.position === null, "a receipt tells no position where that is declared");
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const told = await publish(context, history, topic, keyNames(6), 3);
    const stream = sequencedTopic(await context.connect(), topic);
    const all = await readAll(context, stream, { from: topic.start, until: "now" });
    for (const index of [0, 7, told.length - 1]) {
      const { position, partition } = told[index]!;
      const sent = history.sent[index]!;
      expectTrue(position !== null && partition !== null, "a receipt tells position and partition");
      const partitions = context.capabilities.partitions ? [partition] : undefined;
      const log = all.filter((message) => message.partition === partition);
      const from = log.findIndex(({ value }) => value.key === sent.key && value.sequence === sent.sequence);
      const messages = await readAll(context, stream, { from: { at: position }, until: "now", partitions });
      expectLogs(logsOf(context, messages), logsOf(context, log.slice(from)), `from the position in the receipt of ${showSequenced(sent)}`);
    }
  },
});

export const positionEdgeCases = [after, through, receipts];
