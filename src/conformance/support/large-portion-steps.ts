import { expectEqual } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { PromiseViolation } from "../case-outcome.ts";
import type { CaseTopic } from "../case-topic.ts";
import { plainText } from "../plain-codecs.ts";

// What one answer of a provider holds can be more than is taken in at once, above all where it was compressed.

export const MESSAGES = 300;

/** 6 MB in all: several megabytes of one partition, which compress to nearly nothing. */
const MESSAGE_BYTES = 20_480;

const OWN_KEY = "much";

/** All of one key, so that all of it is in one partition. */
export async function publishMuch(context: CaseContext, topic: CaseTopic): Promise<void> {
  const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
  const padding = "x".repeat(MESSAGE_BYTES);
  const batch = Array.from({ length: MESSAGES }, (_, index) => ({ key: OWN_KEY, value: `${index} ${padding}` }));
  await context.within(producer.sendBatch(batch), "some megabytes of one key to be stored");
  await producer.close();
}

export function numberOf(value: string): number {
  return Number(value.slice(0, value.indexOf(" ")));
}

export function checkAll(numbers: readonly number[]): void {
  for (const [at, number] of numbers.entries()) {
    if (number !== at)
      throw new PromiseViolation(`completeness: in place of #${at} came #${number}, of ${MESSAGES} large messages of one key`);
  }
  expectEqual(numbers.length, MESSAGES, "completeness: how many of the large messages have come");
}
