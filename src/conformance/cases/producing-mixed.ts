import { type StreamError, isStreamError } from "../../errors.ts";
import type { OutgoingMessage } from "../../message.ts";
import type { Receipt } from "../../receipt.ts";
import { expectEqual, expectTrue } from "../assertions.ts";
import { sequencedTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { checkComplete, checkNoDuplicates, checkNothingForeign, checkOrder } from "../history/check.ts";
import { type Sequenced, keyNames } from "../history/sequenced.ts";
import { plainText } from "../plain-codecs.ts";
import { readAll, readStored } from "../stream-steps.ts";

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
    // More keys than partitions: in one call messages without a key meet those that have no choice, in every partition.
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
      `what has a receipt is stored; missing are ${keyless} without a key and ${missing.length - keyless} with`,
    );
    expectEqual(messages.length, BATCHES * BATCH_SIZE, "none of them twice");
  },
});

const oneFailsForGood = defineCase({
  name: "producing/batch/one-fails-for-good",
  promise: 2,
  mutant: "blames-the-first-of-a-slice",
  faults: ["fail-entry"],
  run: async (context) => {
    // Where a partition is refused as a whole, keys of all kinds are in what is refused.
    const topic = await context.topic({ partitions: 1 });
    const history = context.history();
    const producer = sequencedTopic(context.connection, topic).producer();
    const batch: OutgoingMessage<Sequenced>[] = [];
    // The one to blame is in the middle of the call: with these figures not of the key that comes first.
    for (let round = 0; round < 5; round += 1) for (const key of keyNames(10)) batch.push({ value: history.next(topic.name, key) });
    context.inject({ kind: "fail-entry", topic: topic.name });
    let failures: readonly { readonly index: number; readonly error: StreamError }[] = [];
    try {
      await context.within(producer.sendBatch(batch), "a batch to settle");
    } catch (error) {
      if (!isStreamError(error)) throw error;
      failures = error.batch?.failures ?? [];
    }
    const culprits = failures.filter(({ error }) => error.code !== "key-blocked");
    expectEqual(culprits.length, 1, "one message fails for good, and of the others only those behind it of its key");
    const culprit = batch[culprits[0]!.index]!.value;
    for (const { index } of failures) {
      const { key, sequence } = batch[index]!.value;
      expectTrue(
        key === culprit.key && sequence >= culprit.sequence,
        "a message of another key, or in front of the one to blame, does not fail",
      );
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

export const producingMixedCases = [withAndWithoutKeys, oneFailsForGood];
