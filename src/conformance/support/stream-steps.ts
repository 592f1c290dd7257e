import type { Connection } from "../../connection-types.ts";
import type { Message } from "../../message.ts";
import type { Producer } from "../../publish/producer-types.ts";
import type { Receipt } from "../../receipt.ts";
import type { ReaderOptions } from "../../replay/reader-types.ts";
import type { Topic } from "../../topic-types.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import type { History } from "../history/history.ts";
import type { Sequenced } from "../history/sequenced.ts";

// The steps of nearly every case: send interleaved keys, read what is stored, wait until a history is complete.

/** `rounds` messages of each key, interleaved, all in one tick, without awaiting. @returns the receipts in the order of the calls */
export async function sendInterleaved(
  context: CaseContext,
  producer: Producer<Sequenced>,
  history: History,
  topic: CaseTopic,
  keys: readonly string[],
  rounds: number,
): Promise<readonly Receipt[]> {
  const sends: Promise<Receipt>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const key of keys) sends.push(producer.send({ value: history.next(topic.name, key) }));
  }
  return context.within(Promise.all(sends), `${sends.length} sends to resolve`);
}

/** Sends with a new producer, and closes it. */
export async function publish(
  context: CaseContext,
  history: History,
  topic: CaseTopic,
  keys: readonly string[],
  rounds: number,
): Promise<readonly Receipt[]> {
  const producer = sequencedTopic(context.connection, topic).producer();
  const receipts = await sendInterleaved(context, producer, history, topic, keys, rounds);
  await producer.close();
  return receipts;
}

/** Everything that a reader hands out until it ends. */
export async function readAll<T>(context: CaseContext, stream: Topic<T>, range: ReaderOptions): Promise<readonly Message<T>[]> {
  const reader = stream.reader(range);
  const messages: Message<T>[] = [];
  const reading = async (): Promise<void> => {
    for await (const message of reader) messages.push(message);
  };
  try {
    await context.deadline.within(reading(), () => `a reader to end, after ${messages.length} messages`);
  } finally {
    await reader.close();
  }
  return messages;
}

/** Reads into the history what the topic holds, or the given range of it. */
export async function readStored(
  context: CaseContext,
  history: History,
  topic: CaseTopic,
  range: ReaderOptions = {},
  connection: Connection = context.connection,
): Promise<void> {
  const stream = sequencedTopic(connection, topic);
  for (const message of await readAll(context, stream, { from: topic.start, until: "now", ...range })) history.receive(message, "reader");
}

/** Waits until every sent message was received at least once. */
export async function untilComplete(context: CaseContext, history: History): Promise<void> {
  await context.until(
    () => history.distinct >= history.sent.length,
    () => `completeness: ${history.distinct} of ${history.sent.length} messages were received`,
  );
}
