import type { StreamError } from "../../../errors.ts";
import type { Message } from "../../../message.ts";
import { expectBytes, expectEqual, expectRejection, expectSequence, expectTrue } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { checkExactlyOnceInOrder } from "../../history/check.ts";
import { keyNames } from "../../history/sequenced.ts";
import { Member } from "../../member.ts";
import { plainBytes, plainText } from "../../plain-codecs.ts";
import { countingArrivals } from "../../support/counting-arrivals.ts";
import { checkLargeMessages, numberOfLargeMessage, publishLargeMessages } from "../../support/large-messages.ts";
import { publish, readAll, readStored } from "../../support/stream-steps.ts";
import { damagedTopic, expectErrorPlace, textStream } from "../../support/damaged-topic.ts";

const reader = defineCase({
  name: "replay/reading/unreadable",
  promise: 8,
  mutant: "reader-passes-over-what-cannot-be-read",
  run: async (context) => {
    const { topic, bad } = await damagedTopic(context);
    const stream = textStream(context, topic);
    const values: string[] = [];
    const strict = stream.reader({ from: topic.start, until: "now" });
    // A provider that makes bookmarks itself has that of a closed reader only if it was asked for one before.
    await context.within(strict.bookmark(), "a reader to open");
    const read = async (): Promise<void> => {
      for await (const { value } of strict) values.push(value);
    };
    const what = "a replay over what cannot be read";
    const error = await expectRejection(async () => context.within(read(), what), "corrupt", what);
    expectErrorPlace(error, bad);
    expectSequence(values, ["first", "second"], "messages before it are handed out");
    const reported: [StreamError, Message<Uint8Array | null>][] = [];
    const onCorrupt = (failure: StreamError, message: Message<Uint8Array | null>) => void reported.push([failure, message]);
    const rest = await readAll(context, stream, { from: { bookmark: await strict.bookmark() }, until: "now", onCorrupt });
    expectSequence(
      rest.map(({ value }) => value),
      ["behind", "last"],
      "a reader goes on behind it from the bookmark before it",
    );
    expectEqual(reported.length, 1, "calls of onCorrupt");
    expectErrorPlace(reported[0]?.[0], bad);
    expectBytes(reported[0]?.[1].value ?? null, new Uint8Array(0), "its value is empty");
    const { startAtPosition, partitions } = context.capabilities;
    if (!startAtPosition) return;
    const from = { after: error.position! };
    const range = partitions ? { partitions: [bad.partition], from } : { from };
    const behind = await readAll(context, stream, { ...range, until: "now" });
    expectSequence(
      behind.map(({ value }) => value),
      ["behind", "last"],
      "a reader begins behind the position of the error",
    );
  },
});

const reading = defineCase({
  name: "replay/reading/much-in-one-partition",
  promise: 8,
  mutant: "reader-skips-behind-a-megabyte",
  run: async (context) => {
    const topic = await context.topic();
    await publishLargeMessages(context, topic);
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    checkLargeMessages(messages.map(({ value }) => numberOfLargeMessage(value)));
  },
});

const VALUE_BYTES = 16_384;

const MESSAGES = 640;

const BOUND_BYTES = 4 * VALUE_BYTES;

const bounded = defineCase({
  name: "replay/reading/within-bounds",
  promise: 10,
  mutant: "reads-without-bound",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainBytes });
    const keys = keyNames(16);
    const value = new Uint8Array(VALUE_BYTES).fill(7);
    const messages = Array.from({ length: MESSAGES }, (_, index) => ({ key: keys[index % keys.length]!, value }));
    await context.within(stream.producer().sendBatch(messages), "the messages to be stored");
    await countingArrivals(context, topic, async (partitions) => {
      const reader = stream.reader({ from: topic.start, until: "now", maxBufferedBytes: BOUND_BYTES });
      const iterator = reader[Symbol.asyncIterator]();
      let read = (await context.within(iterator.next(), "a first message")).done === true ? 0 : 1;
      // A group receives everything while nothing is requested from the reader, so all of it was available to the reader too.
      let witnessed = 0;
      const witness = context.watch(
        Member.start(context.deadline, stream, { group: await context.group(topic), initialPosition: topic.start }, () => {
          witnessed += 1;
          context.deadline.notify();
        }),
      );
      await context.until(() => witnessed >= MESSAGES, "a group to be given everything");
      await witness.close();
      // Of each partition one fetch is kept whole once it has arrived; later ones have to wait.
      const arrived = [...partitions.values()].reduce((sum, count) => sum + count, 0);
      expectTrue(
        arrived <= (MESSAGES * 2) / 3,
        `a reader that is bound to ${BOUND_BYTES} bytes and gets no request for more took ${arrived} of ${MESSAGES} messages of ${VALUE_BYTES} bytes`,
      );
      for (let next = iterator.next(); ; next = iterator.next()) {
        const { done } = await context.deadline.within(
          next,
          () => `the other messages once there is room: ${read} of ${MESSAGES} messages`,
        );
        if (done === true) break;
        read += 1;
      }
      expectEqual(read, MESSAGES, "messages that a bounded reader hands out");
    });
  },
});

const everything = defineCase({
  name: "replay/reading/everything",
  promise: 8,
  mutant: "replays-without-the-first",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(10), 10);
    for (let time = 0; time < 2; time += 1) {
      const again = context.history();
      await readStored(context, again, topic);
      checkExactlyOnceInOrder(history.sent, again.received, topic.name);
    }
  },
});

const follow = defineCase({
  name: "replay/reading/follows",
  promise: 8,
  mutant: "follower-ends-at-now",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, keyNames(6), 3);
    const reader = sequencedTopic(context.connection, topic).reader({ from: topic.start });
    let ended = false;
    const reading = async (): Promise<void> => {
      for await (const message of reader) history.receive(message, "reader");
      ended = true;
      context.deadline.notify();
    };
    const running = context.later(reading());
    for (let round = 0; round < 3; round += 1) {
      await context.until(
        () => ended || history.distinct === history.sent.length,
        () => `a reader without an end to follow: ${history.distinct} of ${history.sent.length} messages`,
      );
      expectTrue(!ended, "a reader without an end goes on");
      await publish(context, history, topic, keyNames(6), 2);
    }
    await context.until(() => history.distinct === history.sent.length, "the last messages");
    await context.within(reader.close(), "a reader to close while it waits");
    await context.within(running, "the iteration to end when its reader is closed");
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

const corrupt = defineCase({
  name: "replay/reading/corrupt",
  promise: 8,
  mutant: "hides-what-cannot-be-decoded",
  run: async (context) => {
    const topic = await context.topic();
    const history = context.history();
    await publish(context, history, topic, ["one"], 2);
    const plain = context.connection.topic(topic.name, { codec: plainText });
    await context.within(plain.producer().send({ key: "one", value: "no sequenced value" }), "a send");
    await publish(context, history, topic, ["one"], 1);
    const stream = sequencedTopic(context.connection, topic);
    await expectRejection(
      async () => readAll(context, stream, { from: topic.start, until: "now" }),
      "corrupt",
      "a replay over what cannot be decoded",
    );
    const codes: string[] = [];
    await readStored(context, history, topic, { onCorrupt: (error) => void codes.push(error.code) });
    expectSequence(codes, ["corrupt"], "codes that onCorrupt received");
    checkExactlyOnceInOrder(history.sent, history.received, topic.name);
  },
});

export const replayReadingCases = [reader, reading, bounded, everything, follow, corrupt];
