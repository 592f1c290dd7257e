import type { Codec } from "../../../codec/codec.ts";
import { isStreamError } from "../../../errors.ts";
import type { Message } from "../../../message.ts";
import type { Gap } from "../../../position/range-types.ts";
import type { Reader } from "../../../replay/reader-types.ts";
import { expectEqual, expectRejection, expectTrue, showError } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { PromiseViolation } from "../../case-outcome.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder, checkNoDuplicates, checkOrder } from "../../history/check.ts";
import { type History, identify } from "../../history/history.ts";
import { type Sequenced, keyNames, sequencedCodec } from "../../history/sequenced.ts";
import { countingArrivals } from "../../support/counting-arrivals.ts";
import { endBookmark } from "../../support/end-bookmark.ts";
import { topicWithRetention, untilRetentionActed } from "../../support/retention.ts";
import { publish, readAll, readStored } from "../../support/stream-steps.ts";

const VALUE_BYTES = 32_768;

const KEYS = keyNames(8);

/** More of each partition than a driver fetches ahead: some megabytes. */
const ROUNDS = 48;

/** Other readers of the suite ignore the fourth entry. It is random, because a driver might fetch all at once if it compressed well. */
const longCodec: Codec<Sequenced> = {
  encode: ({ topic, key, sequence }) => {
    const padding = Buffer.from(crypto.getRandomValues(new Uint8Array(VALUE_BYTES / 2))).toString("hex");
    return Buffer.from(JSON.stringify([topic, key, sequence, padding]));
  },
  decode: (bytes, message) => sequencedCodec.decode(bytes, message),
};

interface Overtaken {
  readonly topic: CaseTopic;
  /** The messages that were stored when the reader opened. */
  readonly before: History;
  /** The messages that were stored after retention had removed those. */
  readonly after: History;
  /** Everything that the reader hands out from its second message on. */
  readonly rest: AsyncIterator<Message<Sequenced>, void, void>;
  readonly reader: Reader<Sequenced>;
  readonly received: Sequenced[];
}

async function send(context: CaseContext, topic: CaseTopic, history: History, rounds: number): Promise<void> {
  const producer = context.connection.topic(topic.name, { codec: longCodec, key: (value) => value.key }).producer();
  for (let round = 0; round < rounds; round += 1) {
    const values = KEYS.map((key) => ({ value: history.next(topic.name, key) }));
    await context.within(producer.sendBatch(values), "messages to be stored");
  }
  await producer.close();
}

/** Retention removes a whole log while a reader is in the middle of it, with room for only a few of the next messages. */
async function overtakenReader(context: CaseContext, onGap: ((gap: Gap) => void) | undefined): Promise<Overtaken> {
  const topic = await topicWithRetention(context);
  const before = context.history();
  await send(context, topic, before, ROUNDS);
  const received: Sequenced[] = [];
  const stream = context.connection.topic(topic.name, { codec: longCodec });
  const reader = stream.reader({ from: topic.start, maxBufferedBytes: VALUE_BYTES, onGap });
  const rest = reader[Symbol.asyncIterator]();
  await countingArrivals(context, topic, async (arrived) => {
    const first = await context.within(rest.next(), "a first message");
    if (first.done !== true) received.push(first.value.value);
    await context.until(() => arrived.size > 0, "a reader to have buffered something");
  });
  await untilRetentionActed(context, topic);
  const after = before.continued();
  await send(context, topic, after, 1);
  return { topic, before, after, rest, reader, received };
}

/** Reads until all later messages were handed out. @throws the error of the reader */
async function readOn({ rest, received, after }: Overtaken, context: CaseContext): Promise<void> {
  const later = new Set(after.sent.map(identify));
  while (later.size > 0) {
    const result = await context.within(rest.next(), "a reader to go on, or to fail, once retention has passed it");
    expectTrue(result.done !== true, "a reader without an end goes on when retention has passed it, or fails");
    received.push(result.value.value);
    later.delete(identify(result.value.value));
  }
}

/** Gaps are not detected: removed messages are missing without an error, and the rest is read. */
async function goesOnAsDeclared(context: CaseContext): Promise<void> {
  const overtaken = await overtakenReader(context, undefined);
  await readOn(overtaken, context);
  await overtaken.reader.close();
  checkOrder(overtaken.received);
}

const passesReader = defineCase({
  name: "replay/retention/passes-a-reader",
  promise: 8,
  mutant: "hides-gaps",
  gates: { gapDetected: goesOnAsDeclared },
  run: async (context) => {
    const overtaken = await overtakenReader(context, undefined);
    const promise = "retention has removed the next messages of a reader";
    const failed = await readOn(overtaken, context).then(
      () => null,
      (error: unknown) => ({ error }),
    );
    if (failed !== null && failed.error instanceof PromiseViolation) throw failed.error;
    expectTrue(failed !== null, `${promise}: it went on behind the gap without an error`);
    const { error } = failed;
    expectTrue(
      isStreamError(error, "position-out-of-range"),
      `${promise}: the iteration rejects with position-out-of-range, not ${showError(error)}`,
    );
    expectEqual(error.topic, overtaken.topic.name, `${promise}: the error names the topic`);
    expectTrue(error.partition !== undefined, `${promise}: the error names the partition`);
    checkOrder(overtaken.received);
  },
});

const passesAcceptingReader = defineCase({
  name: "replay/retention/passes-a-reader-that-accepts",
  promise: 8,
  mutant: "miscounts-what-a-gap-swallows",
  gates: { gapDetected: goesOnAsDeclared },
  run: async (context) => {
    const gaps: Gap[] = [];
    const overtaken = await overtakenReader(context, (gap) => void gaps.push(gap));
    await readOn(overtaken, context);
    const { before, after, received, reader, topic } = overtaken;
    await context.within(reader.close(), "a reader to close");
    expectTrue(gaps.length > 0, "onGap is called for a reader that goes on behind a gap");
    for (const gap of gaps) expectEqual(gap.topic, topic.name, "the topic that a gap names");
    const missing = gaps.reduce((sum, gap) => sum + (gap.missing ?? Number.NaN), 0);
    const all = before.sent.length + after.sent.length;
    if (!Number.isNaN(missing)) expectEqual(missing, all - received.length, "messages missing in all gaps: all that were not handed out");
    checkOrder(received);
    checkNoDuplicates(received);
  },
});

/** Gaps are not detected: removed messages are missing without an error, and the rest is read. */
async function skipsAsDeclared(context: CaseContext): Promise<void> {
  const topic = await topicWithRetention(context);
  const bookmark = await endBookmark(context, topic);
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
    const topic = await topicWithRetention(context);
    const bookmark = await endBookmark(context, topic);
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

/** Where a gap names a position, reading from there gives all that is left of its partition. */
async function expectResumption(context: CaseContext, topic: CaseTopic, gaps: readonly Gap[], left: History): Promise<void> {
  const stream = sequencedTopic(context.connection, topic);
  for (const { partition, resumesAt } of gaps) {
    if (resumesAt === null) continue;
    const behind = await readAll(context, stream, { from: { at: resumesAt }, until: "now" });
    const ofPartition = left.received.filter((delivery) => delivery.partition === partition);
    expectEqual(behind.length, ofPartition.length, `messages of partition ${partition} from where its gap says that reading goes on`);
  }
}

const gapAccepted = defineCase({
  name: "replay/retention/gap-accepted",
  promise: 8,
  mutant: "goes-on-at-the-end-behind-a-gap",
  gates: { gapDetected: skipsAsDeclared },
  run: async (context) => {
    const topic = await topicWithRetention(context);
    const bookmark = await endBookmark(context, topic);
    const history = context.history();
    const receipts = await publish(context, history, topic, keyNames(8), 2);
    await untilRetentionActed(context, topic);
    const later = history.continued();
    await publish(context, later, topic, keyNames(8), 2);
    const gaps: Gap[] = [];
    await readStored(context, later, topic, { from: { bookmark }, onGap: (gap) => void gaps.push(gap) });
    const reported = gaps.map(({ partition }) => partition);
    expectEqual(new Set(reported).size, reported.length, "partitions of all reported gaps, each once");
    for (const { partition } of receipts) {
      if (partition !== null)
        expectTrue(reported.includes(partition), `retention removed messages of partition ${partition}, and no gap was reported`);
    }
    for (const gap of gaps) expectEqual(gap.topic, topic.name, "the topic that a gap names");
    const missing = gaps.reduce((sum, gap) => sum + (gap.missing ?? Number.NaN), 0);
    if (!Number.isNaN(missing)) expectEqual(missing, history.sent.length, "messages missing in all gaps together");
    checkExactlyOnceInOrder(later.sent, later.received, topic.name);
    if (context.capabilities.startAtPosition) await expectResumption(context, topic, gaps, later);
  },
});

export const replayRetentionCases = [passesReader, passesAcceptingReader, outOfRange, gapAccepted];
