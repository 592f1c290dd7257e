import type { Message } from "../../message.ts";
import { expectTrue, expectUnsupported } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { type Sequenced, keyNames, showSequenced } from "../history/sequenced.ts";
import { publish, readAll } from "./stream-steps.ts";

type Log = readonly Message<Sequenced>[];

/** Publishes messages. @returns them by partition, in stored order */
export async function storedLogs(context: CaseContext, topic: CaseTopic): Promise<readonly Log[]> {
  await publish(context, context.history(), topic, keyNames(8), 5);
  const messages = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
  return [...Map.groupBy(messages, ({ partition }) => partition).values()];
}

/** The indexes where an off-by-one error shows: at both ends, and in the middle. */
export function edgesOf(log: Log): readonly number[] {
  const last = log.length - 1;
  return [...new Set([0, 1, Math.floor(last / 2), last - 1, last])].filter((index) => index >= 0);
}

export function showLog(log: Log): readonly string[] {
  return log.map(({ value }) => showSequenced(value));
}

/** Publishes messages of several keys. @returns those of one partition, in stored order */
export async function storedLog(context: CaseContext, topic: CaseTopic): Promise<Log> {
  await publish(context, context.history(), topic, keyNames(8), 10);
  const messages = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
  const log = messages.filter(({ partition }) => partition === messages[0]?.partition);
  expectTrue(log.length >= 10, "a reader hands out what was published");
  return log;
}

/** Where readers cannot start at positions, every range with a position is refused. */
export async function refusesPositions(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  const { position } = (await storedLog(context, topic))[0]!;
  const stream = sequencedTopic(context.connection, topic);
  await expectUnsupported(async () => readAll(context, stream, { from: { at: position }, until: "now" }), "startAtPosition");
  await expectUnsupported(async () => readAll(context, stream, { from: { after: position }, until: "now" }), "startAtPosition");
  await expectUnsupported(async () => readAll(context, stream, { from: topic.start, until: { through: position } }), "startAtPosition");
}
