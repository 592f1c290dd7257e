import { expectEqual, expectTrue } from "../assertions.ts";
import { countingArrivals } from "../counting-arrivals.ts";
import { defineCase } from "../define-case.ts";
import { keyNames } from "../history/sequenced.ts";
import { Member } from "../member.ts";
import { plainBytes } from "../plain-codecs.ts";

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
      // A group has been given everything while the reader was not asked: so it was there for the reader too.
      let witnessed = 0;
      const witness = context.watch(
        Member.start(context.deadline, stream, { group: await context.group(topic), initialPosition: topic.start }, () => {
          witnessed += 1;
          context.deadline.notify();
        }),
      );
      await context.until(() => witnessed >= MESSAGES, "a group to be given everything");
      await witness.close();
      // A fetch that has arrived is kept whole, of each partition one; what comes behind it has to wait.
      const arrived = [...partitions.values()].reduce((sum, count) => sum + count, 0);
      expectTrue(
        arrived <= (MESSAGES * 2) / 3,
        `a reader that is bound to ${BOUND_BYTES} bytes and not asked for more took ${arrived} of ${MESSAGES} messages of ${VALUE_BYTES} bytes`,
      );
      for (let next = iterator.next(); ; next = iterator.next()) {
        const { done } = await context.deadline.within(next, () => `the rest once there is room: ${read} of ${MESSAGES} messages`);
        if (done === true) break;
        read += 1;
      }
      expectEqual(read, MESSAGES, "messages that a bounded reader hands out");
    });
  },
});

export const replayBoundedCases = [bounded];
