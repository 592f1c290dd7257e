import { expectEqual, expectRejection } from "../../assertions.ts";
import { sequencedTopic } from "../../case-topic.ts";
import { defineCase } from "../../define-case.ts";
import { keyNames } from "../../history/sequenced.ts";
import { publish, readAll } from "../../support/stream-steps.ts";

const producer = defineCase({
  name: "close/parts/producer",
  promise: 10,
  mutant: "close-does-nothing",
  run: async (context) => {
    const topic = await context.topic();
    const stream = sequencedTopic(context.connection, topic);
    const closed = stream.producer();
    await context.within(closed.close(), "a producer that never sent to close");
    await context.within(closed.close(), "a second close");
    const message = { value: context.history().next(topic.name, "key") };
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      send: async () => closed.send(message),
      sendBatch: async () => closed.sendBatch([message]),
      sendStream: async () => closed.sendStream([message]),
    };
    for (const [name, call] of Object.entries(calls)) {
      await expectRejection(async () => context.within(call(), `${name} to be refused`), "closed", `${name} of a closed producer`);
    }
    const stored = await readAll(context, stream, { from: topic.start, until: "now" });
    expectEqual(stored.length, 0, "messages stored by a closed producer");
  },
});

const reader = defineCase({
  name: "close/parts/reader",
  promise: 10,
  mutant: "close-does-nothing",
  run: async (context) => {
    const topic = await context.topic();
    const stream = sequencedTopic(context.connection, topic);
    await publish(context, context.history(), topic, keyNames(4), 2);
    const closed = stream.reader({ from: topic.start });
    await context.within(closed.close(), "a reader that never read to close");
    await context.within(closed.close(), "a second close");
    const iterator = closed[Symbol.asyncIterator]();
    await expectRejection(async () => context.within(iterator.next(), "a refusal"), "closed", "reading of a closed reader");
    // A reader that is closed in the middle of a range hands out nothing more.
    const closing = stream.reader({ from: topic.start });
    let received = 0;
    const reading = async (): Promise<void> => {
      for await (const message of closing) {
        received += message.value.topic === topic.name ? 1 : 0;
        if (received === 2) await closing.close();
        if (received > 2) break;
      }
    };
    await context.within(reading(), "the iteration of a closed reader to end");
    expectEqual(received, 2, "messages of a reader that was closed after the second");
  },
});

export const closePartsCases = [producer, reader];
