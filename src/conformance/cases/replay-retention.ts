import type { Gap } from "../../position/range-types.ts";
import { expectEqual, expectRejection, expectTrue } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { endOf } from "../end-of.ts";
import { checkExactlyOnceInOrder } from "../history/check.ts";
import { keyNames } from "../history/sequenced.ts";
import { topicWithShortRetention, untilRetentionActed } from "../retention-steps.ts";
import { publish, readAll, readStored } from "../stream-steps.ts";

/** Declared: what retention has removed is missing without a word, and what is left is read. */
async function skipsAsDeclared(context: CaseContext): Promise<void> {
  const topic = await topicWithShortRetention(context);
  const bookmark = await endOf(context, topic);
  const history = context.history();
  await publish(context, history, topic, keyNames(8), 2);
  await untilRetentionActed(context, topic);
  const later = history.continued();
  await publish(context, later, topic, keyNames(8), 2);
  await readStored(context, later, topic, { from: { bookmark } });
  checkExactlyOnceInOrder(later.sent, later.received, topic.name);
}

const outOfRange = defineCase({
  name: "replay/retention/out-of-range",
  promise: 8,
  mutant: "hides-gaps",
  gates: { gapDetected: skipsAsDeclared },
  run: async (context) => {
    const topic = await topicWithShortRetention(context);
    const bookmark = await endOf(context, topic);
    await publish(context, context.history(), topic, keyNames(8), 2);
    await untilRetentionActed(context, topic);
    const stream = sequencedTopic(context.connection, topic);
    const promise = "a range that is older than retention";
    const read = async (): Promise<unknown> => readAll(context, stream, { from: { bookmark }, until: "now" });
    const error = await expectRejection(read, "position-out-of-range", promise);
    expectEqual(error.topic, topic.name, `${promise}: the error names the topic`);
    expectTrue(error.partition !== undefined, `${promise}: the error names the partition`);
  },
});

const gapAccepted = defineCase({
  name: "replay/retention/gap-accepted",
  promise: 8,
  mutant: "goes-on-at-the-end-behind-a-gap",
  gates: { gapDetected: skipsAsDeclared },
  run: async (context) => {
    const topic = await topicWithShortRetention(context);
    const bookmark = await endOf(context, topic);
    const history = context.history();
    const receipts = await publish(context, history, topic, keyNames(8), 2);
    await untilRetentionActed(context, topic);
    const later = history.continued();
    await publish(context, later, topic, keyNames(8), 2);
    const gaps: Gap[] = [];
    await readStored(context, later, topic, { from: { bookmark }, onGap: (gap) => void gaps.push(gap) });
    const told = gaps.map(({ partition }) => partition);
    expectEqual(new Set(told).size, told.length, "partitions of all gaps that were told, each once");
    for (const { partition } of receipts) {
      if (partition !== null)
        expectTrue(told.includes(partition), `retention removed messages of partition ${partition}, of which no gap was told`);
    }
    for (const gap of gaps) expectEqual(gap.topic, topic.name, "the topic that a gap names");
    const missing = gaps.reduce((sum, gap) => sum + (gap.missing ?? Number.NaN), 0);
    if (!Number.isNaN(missing)) expectEqual(missing, history.sent.length, "messages missing in all gaps together");
    checkExactlyOnceInOrder(later.sent, later.received, topic.name);
  },
});

export const replayRetentionCases = [outOfRange, gapAccepted];
