import { expectEqual } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { PromiseViolation } from "../case-outcome.ts";
import type { CaseTopic } from "../case-topic.ts";
import { plainText } from "../plain-codecs.ts";

// One answer of a provider can hold more than a client takes in at once, above all if it was compressed.

export const LARGE_MESSAGES = 300;

/** 6 MB in all: several megabytes of one partition, which compress to nearly nothing. */
const MESSAGE_BYTES = 20_480;

const KEY = "much";

/** All of one key, so that all of it is in one partition. */
export async function publishLargeMessages(context: CaseContext, topic: CaseTopic): Promise<void> {
  const producer = context.connection.topic(topic.name, { codec: plainText }).producer();
  const padding = "x".repeat(MESSAGE_BYTES);
  const batch = Array.from({ length: LARGE_MESSAGES }, (_, index) => ({ key: KEY, value: `${index} ${padding}` }));
  await context.within(producer.sendBatch(batch), "some megabytes of one key to be stored");
  await producer.close();
}

export function numberOfLargeMessage(value: string): number {
  return Number(value.slice(0, value.indexOf(" ")));
}

export function checkLargeMessages(numbers: readonly number[]): void {
  for (const [at, number] of numbers.entries()) {
    if (number !== at)
      throw new PromiseViolation(`completeness: in place of #${at} came #${number}, of ${LARGE_MESSAGES} large messages of one key`);
  }
  expectEqual(numbers.length, LARGE_MESSAGES, "completeness: number of large messages that were received");
}
