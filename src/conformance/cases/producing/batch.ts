import { type StreamError, isStreamError } from "../../../errors.ts";
import type { OutgoingMessage } from "../../../message.ts";
import type { Receipt } from "../../../receipt.ts";
import { expectEqual, expectRejection, expectSequence, expectTrue } from "../../assertions.ts";
import type { CaseContext } from "../../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkComplete, checkExactlyOnceInOrder, checkNoDuplicates, checkNothingForeign, checkOrder } from "../../history/check.ts";
import type { History } from "../../history/history.ts";
import { type Sequenced, keyNames } from "../../history/sequenced.ts";
import { plainText } from "../../plain-codecs.ts";
import { readAll, readStored } from "../../support/stream-steps.ts";

/** Interleaved keys, as a batch. */
function nextBatch(history: History, topic: CaseTopic, keys: readonly string[], rounds: number): readonly OutgoingMessage<Sequenced>[] {
  const batch: OutgoingMessage<Sequenced>[] = [];
  for (let round = 0; round < rounds; round += 1) for (const key of keys) batch.push({ value: history.next(topic.name, key) });
  return batch;
}

async function readAndCheck(context: CaseContext, history: History, topic: CaseTopic): Promise<void> {
  await readStored(context, history, topic);
  checkExactlyOnceInOrder(history.sent, history.received, topic.name);
}

const complete = defineCase({
  name: "producing/batch/complete",
  promise: 1,
  mutant: "drops-the-last-of-a-slice",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const batch = nextBatch(history, topic, keyNames(9), 12);
    const receipts = await context.within(producer.sendBatch(batch), "a batch to resolve");
    expectEqual(receipts.length, batch.length, "a batch has as many receipts as messages");
    await readAndCheck(context, history, topic);
  },
});

const manyKeys = defineCase({
  name: "producing/batch/order-of-many-keys",
  promise: 2,
  mutant: "stores-a-slice-backwards",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    for (let index = 0; index < 3; index += 1) {
      await context.within(producer.sendBatch(nextBatch(history, topic, keyNames(20), 5)), "a batch to resolve");
    }
    await readAndCheck(context, history, topic);
  },
});

const receiptsInInputOrder = defineCase({
  name: "producing/batch/receipts-in-input-order",
  promise: 1,
  mutant: "receipts-backwards",
  gates: {
    receiptPositions: async (context) => {
      const topic = await context.topic();
      const history = context.history();
      const producer = sequencedTopic(context.connection, topic).producer();
      const receipts = await context.within(producer.sendBatch(nextBatch(history, topic, keyNames(3), 2)), "a batch to resolve");
      expectTrue(
        receipts.every((receipt) => receipt.position === null),
        "receipts have no position where receiptPositions is off",
      );
    },
  },
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const batch = nextBatch(history, topic, keyNames(5), 6);
    const receipts = await context.within(producer.sendBatch(batch), "a batch to resolve");
    await readAndCheck(context, history, topic);
    for (const [index, message] of batch.entries()) {
      const stored = history.received.find(({ key, sequence }) => key === message.value.key && sequence === message.value.sequence);
      expectEqual(receipts[index]?.position, stored?.position, `receipt ${index} of a batch names message ${index}`);
    }
  },
});

const parallel = defineCase({
  name: "producing/batch/parallel",
  promise: 1,
  mutant: "drops-a-record",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producers = [1, 2, 3].map(() => sequencedTopic(context.connection, topic).producer());
    const batches: Promise<readonly Receipt[]>[] = [];
    for (let index = 0; index < 5; index += 1) {
      // Each producer has keys of its own, because order is promised only within one producer.
      for (const [number, producer] of producers.entries()) {
        batches.push(producer.sendBatch(nextBatch(history, topic, [`key-${number}-a`, `key-${number}-b`], 20)));
      }
    }
    await context.within(Promise.all(batches), "all batches to resolve");
    await readAndCheck(context, history, topic);
  },
});

const largerThanACall = defineCase({
  name: "producing/batch/larger-than-a-call",
  promise: 1,
  mutant: "drops-beyond-500-of-a-slice",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const batch = nextBatch(history, topic, ["heavy", "heavy", "heavy", "light"], 500);
    await context.within(producer.sendBatch(batch), "a large batch to resolve");
    await readAndCheck(context, history, topic);
  },
});

const moreKeysThanACall = defineCase({
  name: "producing/batch/more-keys-than-a-call",
  promise: 1,
  mutant: "ignores-the-bound-of-records",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const keys = keyNames(1_200);
    const batch = [...nextBatch(history, topic, keys, 1), ...nextBatch(history, topic, keys.slice(0, 300), 2)];
    await context.within(producer.sendBatch(batch), "a batch of many keys to resolve");
    await readAndCheck(context, history, topic);
    const keyless = await context.topic();
    const stream = context.connection.topic(keyless.name, { codec: plainText });
    const values = Array.from({ length: 1_200 }, (_, index) => String(index));
    await context.within(
      stream.producer().sendBatch(values.map((value) => ({ key: null, value }))),
      "a batch of many messages without a key to resolve",
    );
    const stored = await readAll(context, stream, { from: keyless.start, until: "now" });
    expectEqual(stored.length, values.length, "messages without a key that are stored");
    expectEqual(new Set(stored.map(({ value }) => value)).size, values.length, "different ones among them");
  },
});

const partialFailure = defineCase({
  name: "producing/batch/partial-failure",
  promise: 2,
  mutant: "stores-what-it-refuses",
  faults: ["fail-entry"],
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const batch = nextBatch(history, topic, keyNames(6), 5);
    await context.inject({ kind: "fail-entry", topic: topic.name });
    let outcome;
    try {
      await context.within(producer.sendBatch(batch), "a batch to settle");
    } catch (error) {
      if (!isStreamError(error)) throw error;
      outcome = error.batch;
    }
    expectTrue(outcome !== undefined, "a batch with a failed message rejects with the outcome of each message");
    expectEqual(outcome.receipts.length, batch.length, "number of outcomes: one for each message");
    const failed = new Set(outcome.failures.map(({ index }) => index));
    expectTrue(failed.size > 0 && failed.size < batch.length, "some failed and some did not");
    for (const index of batch.keys())
      expectEqual(outcome.receipts[index] === null, failed.has(index), `message ${index} has either a receipt or a failure`);
    const stored = batch.filter((_, index) => !failed.has(index)).map((message) => message.value);
    await readStored(context, history, topic);
    checkNoDuplicates(history.received);
    checkOrder(history.received);
    for (const value of history.received) {
      expectTrue(
        stored.some(({ key, sequence }) => key === value.key && sequence === value.sequence),
        "a message that is reported as failed is not stored",
      );
    }
    expectEqual(history.distinct, stored.length, "number of stored messages: those with a receipt");
  },
});

const refusedMember = defineCase({
  name: "producing/batch/refused-member",
  promise: 2,
  mutant: "refused-member-fails-the-batch",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const limits = (await stream.capabilities()).limits;
    const tooLong = "x".repeat(limits.messageBytes + 1);
    const batch = ["a", tooLong, "b", "c"].map((value) => ({ key: "one", value }));
    const error = await expectRejection(
      async () => context.within(stream.producer().sendBatch(batch), "a batch to settle"),
      "too-large",
      "a batch with a message over the limit",
    );
    expectSequence(error.batch?.failures.map(({ index }) => index) ?? [], [1], "only the message over the limit fails");
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    expectSequence(
      messages.map(({ value }) => value),
      ["a", "b", "c"],
      "a message refused before it was queued blocks nothing",
    );
  },
});

const stream = defineCase({
  name: "producing/batch/stream",
  promise: 2,
  mutant: "stream-counts-short",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const pulled = async function* (): AsyncGenerator<OutgoingMessage<Sequenced>> {
      for (const message of nextBatch(history, topic, keyNames(7), 30)) {
        await Promise.resolve();
        yield message;
      }
    };
    const count = await context.within(producer.sendStream(pulled()), "a stream to be sent");
    expectEqual(count, history.sent.length, "sendStream returns how many were stored");
    await readAndCheck(context, history, topic);
  },
});

const PARTITIONS = 8;

const BATCHES = 6;

const BATCH_SIZE = 240;

const withAndWithoutKeys = defineCase({
  name: "producing/batch/with-and-without-keys",
  promise: 1,
  mutant: "forgets-keyless-beside-others",
  run: async (context) => {
    const topic = await context.topic({ partitions: PARTITIONS });
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const producer = stream.producer();
    // More keys than partitions: in every partition a call has messages without a key next to messages with one.
    const batches = Array.from({ length: BATCHES }, (_, batch) =>
      Array.from({ length: BATCH_SIZE }, (_, index) => {
        const isKeyless = batch === 0 || index % 3 === 0;
        return { key: isKeyless ? null : `key-${index % (4 * PARTITIONS)}`, value: `${batch}/${index}` };
      }),
    );
    const sends: Promise<readonly Receipt[]>[] = batches.map((batch) => producer.sendBatch(batch));
    await context.within(Promise.all(sends), "batches of messages with and without a key to resolve");
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    const stored = new Set(messages.map(({ value }) => value));
    const missing = batches.flat().filter(({ value }) => !stored.has(value));
    const keyless = missing.filter(({ key }) => key === null).length;
    expectEqual(
      missing.length,
      0,
      `messages with a receipt are stored; missing are ${keyless} without a key and ${missing.length - keyless} with`,
    );
    expectEqual(messages.length, BATCHES * BATCH_SIZE, "stored messages, none of them twice");
  },
});

const oneFailsForGood = defineCase({
  name: "producing/batch/one-fails-for-good",
  promise: 2,
  mutant: "blames-the-first-of-a-slice",
  faults: ["fail-entry"],
  run: async (context) => {
    // One partition: where a provider refuses a partition as a whole, the refused part has messages of all keys.
    const topic = await context.topic({ partitions: 1 });
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const batch: OutgoingMessage<Sequenced>[] = [];
    // The failing message is in the middle of the call, and with these figures not of the first key.
    for (let round = 0; round < 5; round += 1) for (const key of keyNames(10)) batch.push({ value: history.next(topic.name, key) });
    await context.inject({ kind: "fail-entry", topic: topic.name });
    let failures: readonly { readonly index: number; readonly error: StreamError }[] = [];
    try {
      await context.within(producer.sendBatch(batch), "a batch to settle");
    } catch (error) {
      if (!isStreamError(error)) throw error;
      failures = error.batch?.failures ?? [];
    }
    const culprits = failures.filter(({ error }) => error.code !== "key-blocked");
    expectEqual(culprits.length, 1, "messages that fail for another reason than a blocked key");
    const culprit = batch[culprits[0]!.index]!.value;
    for (const { index } of failures) {
      const { key, sequence } = batch[index]!.value;
      expectTrue(key === culprit.key && sequence >= culprit.sequence, "a message of another key, or before the failing one, does not fail");
    }
    await readStored(context, history, topic);
    const failed = new Set(failures.map(({ index }) => index));
    const resolved = batch.filter((_, index) => !failed.has(index)).map(({ value }) => value);
    checkNothingForeign(resolved, history.received, topic.name);
    checkOrder(history.received);
    checkNoDuplicates(history.received);
    checkComplete(resolved, history.received);
  },
});

export const producingBatchCases = [
  complete,
  manyKeys,
  receiptsInInputOrder,
  parallel,
  largerThanACall,
  moreKeysThanACall,
  partialFailure,
  refusedMember,
  stream,
  withAndWithoutKeys,
  oneFailsForGood,
];
