import { expectEqual } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { PromiseViolation } from "../case-outcome.ts";
import type { CaseTopic } from "../case-topic.ts";
import { defineCase } from "../define-case.ts";
import { Member } from "../member.ts";
import { plainText } from "../plain-codecs.ts";
import { readAll } from "../stream-steps.ts";

// What one answer of a provider holds can be more than is taken in at once, above all where it was compressed.

const MESSAGES = 300;
/** 6 MB in all: several megabytes of one partition, which compress to nearly nothing. */
const MESSAGE_BYTES = 20_480;
const KEY = "much";

/** All of one key, so that all of it is in one partition. */
async function publishMuch(context: CaseContext, topic: CaseTopic): Promise<void> {
  const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
  const padding = "x".repeat(MESSAGE_BYTES);
  const batch = Array.from({ length: MESSAGES }, (_, index) => ({ key: KEY, value: `${index} ${padding}` }));
  await context.within(producer.sendBatch(batch), "some megabytes of one key to be stored");
  await producer.close();
}

function numberOf(value: string): number {
  return Number(value.slice(0, value.indexOf(" ")));
}

function checkAll(numbers: readonly number[]): void {
  for (const [at, number] of numbers.entries()) {
    if (number !== at)
      throw new PromiseViolation(`completeness: in place of #${at} came #${number}, of ${MESSAGES} large messages of one key`);
  }
  expectEqual(numbers.length, MESSAGES, "completeness: how many of the large messages have come");
}

const reading = defineCase({
  name: "replay/reading/much-in-one-partition",
  promise: 8,
  mutant: "reader-skips-behind-a-megabyte",
  run: async (context) => {
    const topic = await context.topic();
    await publishMuch(context, topic);
    const stream = context.connection.topic(topic.name, { codec: plainText });
    const messages = await readAll(context, stream, { from: topic.start, until: "now" });
    checkAll(messages.map(({ value }) => numberOf(value)));
  },
});

const handling = defineCase({
  name: "consume/messages/much-in-one-partition",
  promise: 4,
  mutant: "member-skips-behind-a-megabyte",
  run: async (context) => {
    const topic = await context.topic();
    await publishMuch(context, topic);
    const stream = context.connection.topic(topic.name, { codec: plainText });
    // First occurrences: whoever loses a partition meanwhile is given some again.
    const handled = new Set<number>();
    const options = { group: await context.group(topic), initialPosition: topic.start };
    context.watch(
      Member.start(context.deadline, stream, options, ({ value }) => {
        handled.add(numberOf(value));
      }),
    );
    await context.until(
      () => handled.has(MESSAGES - 1),
      () => `the last of ${MESSAGES} large messages, after ${handled.size}`,
    );
    checkAll([...handled]);
  },
});

export const portionCases = [reading, handling];
