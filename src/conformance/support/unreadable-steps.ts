import type { StreamError } from "../../errors.ts";
import type { Message } from "../../message.ts";
import { expectEqual } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { PromiseViolation } from "../case-outcome.ts";
import type { CaseTopic } from "../case-topic.ts";
import { plainText } from "../plain-codecs.ts";
import { readAll } from "./stream-steps.ts";

/** All in one partition: what is about order shows nowhere else. */
const KEY = "one";

export interface DamagedTopic {
  readonly topic: CaseTopic;
  readonly group: string;
  /** As it was read before it was damaged. */
  readonly bad: Message<string>;
}

export function plain(context: CaseContext, topic: CaseTopic) {
  return context.connection.topic(topic.name, { codec: plainText });
}

export async function send(context: CaseContext, topic: CaseTopic, values: readonly string[]): Promise<void> {
  const producer = plain(context, topic).producer();
  for (const value of values) await context.within(producer.send({ key: KEY, value }), "a send");
  await producer.close();
}

/** Stores messages one by one, of which the third cannot be read. */
export async function damagedTopic(context: CaseContext, times?: number): Promise<DamagedTopic> {
  const damage = context.damage(times);
  const topic = await context.topic();
  await send(context, topic, ["first", "second", "bad"]);
  const stored = await readAll(context, plain(context, topic), { from: topic.start, until: "now" });
  const bad = stored.find(({ value }) => value === "bad");
  if (bad === undefined) throw new PromiseViolation("what was sent is not there");
  await damage(topic, bad.partition);
  await send(context, topic, ["behind", "last"]);
  return { topic, group: await context.group(topic), bad };
}

export function expectPlace(error: StreamError | undefined, bad: Message<string>): void {
  expectEqual(error?.code, "corrupt", "the code of what cannot be read");
  expectEqual(error?.partition, bad.partition, "its error names the partition");
  expectEqual(error?.position, bad.position, "its error names the position");
}
