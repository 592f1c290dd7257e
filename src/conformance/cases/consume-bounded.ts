import { expectTrue } from "../assertions.ts";
import { defineCase } from "../define-case.ts";
import { keyNames } from "../history/sequenced.ts";
import { Member } from "../member.ts";
import { plainBytes } from "../plain-codecs.ts";

const VALUE_BYTES = 16_384;
const MESSAGES = 640;
const BOUND_BYTES = 4 * VALUE_BYTES;

const boundedBytes = defineCase({
  name: "consume/buffers-within-bounds",
  promise: 10,
  mutant: "buffers-without-bound",
  run: async (context) => {
    const topic = await context.topic();
    const stream = context.connection.topic(topic.name, { codec: plainBytes });
    const producer = stream.producer();
    const keys = keyNames(16);
    const value = new Uint8Array(VALUE_BYTES).fill(7);
    const messages = Array.from({ length: MESSAGES }, (_, index) => ({ key: keys[index % keys.length]!, value }));
    await context.within(producer.sendBatch(messages), "the messages to be stored");
    const blocked = context.latch();
    const options = { initialPosition: topic.start, maxBufferedBytes: BOUND_BYTES };
    let handled = 0;
    const member = context.watch(
      Member.start(context.deadline, stream, { ...options, group: await context.group(topic) }, async () => {
        await blocked.opened;
        handled += 1;
        context.deadline.notify();
      }),
    );
    // Another group has been given everything: so it was there for the blocked member too.
    let witnessed = 0;
    const witness = context.watch(
      Member.start(context.deadline, stream, { ...options, group: await context.group(topic) }, () => {
        witnessed += 1;
        context.deadline.notify();
      }),
    );
    await context.until(() => member.consumer.status().buffered > 0, "the blocked member to be given something");
    await context.until(
      () => witnessed >= MESSAGES,
      () => `another group to be given everything: ${witnessed} of ${MESSAGES}`,
    );
    const { buffered } = member.consumer.status();
    // A fetch that has arrived is kept whole, of each partition one; what comes behind it has to wait.
    expectTrue(
      buffered * VALUE_BYTES <= (MESSAGES * VALUE_BYTES * 2) / 3,
      `a member that is bound to ${BOUND_BYTES} bytes and handles nothing holds ${buffered} messages of ${VALUE_BYTES} bytes, of ${MESSAGES} there are`,
    );
    await witness.close();
    blocked.open();
    await context.until(
      () => handled >= MESSAGES,
      () => `the rest to come once there is room: ${handled} of ${MESSAGES}`,
    );
  },
});

export const consumeBoundedCases = [boundedBytes];
