import type { StreamError } from "../../errors.ts";
import type { Message } from "../../message.ts";
import { expectEqual } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { PromiseViolation } from "../case-outcome.ts";
import type { CaseTopic } from "../case-topic.ts";
import { plainText } from "../plain-codecs.ts";
import { readAll } from "./stream-steps.ts";

/** One key, so that all messages are in one partition and their order can be checked. */
const KEY = "one";

export interface DamagedTopic {
  readonly topic: CaseTopic;
  readonly group: string;
  /** As it was read before it was damaged. */
  readonly bad: Message<string>;
}

export function textStream(context: CaseContext, topic: CaseTopic) {
  return context.connection.topic(topic.name, { codec: plainText });
}

export async function sendTexts(context: CaseContext, topic: CaseTopic, values: readonly string[]): Promise<void> {
  const producer = textStream(context, topic).producer();
  for (const value of values) await context.within(producer.send({ key: KEY, value }), "a send");
  await producer.close();
}

/** Stores messages one by one and damages the third, so that it cannot be read. */
export async function damagedTopic(context: CaseContext, times?: number): Promise<DamagedTopic> {
  const damage = context.damage(times);
  const topic = await context.topic();
  await sendTexts(context, topic, ["first", "second", "bad"]);
  const stored = await readAll(context, textStream(context, topic), { from: topic.start, until: "now" });
  const bad = stored.find(({ value }) => value === "bad");
  if (bad === undefined) throw new PromiseViolation("a sent message is not stored");
  await damage(topic, bad.partition);
  await sendTexts(context, topic, ["behind", "last"]);
  return { topic, group: await context.group(topic), bad };
}

export function expectErrorPlace(error: StreamError | undefined, bad: Message<string>): void {
  expectEqual(error?.code, "corrupt", "the code of what cannot be read");
  expectEqual(error?.partition, bad.partition, "its error names the partition");
  expectEqual(error?.position, bad.position, "its error names the position");
}
