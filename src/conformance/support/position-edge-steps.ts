import type { Message } from "../../message.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { type Sequenced, keyNames, showSequenced } from "../history/sequenced.ts";
import { publish, readAll } from "./stream-steps.ts";

type Log = readonly Message<Sequenced>[];

/** Each partition's messages, in stored order. */
export async function storedLogs(context: CaseContext, topic: CaseTopic): Promise<readonly Log[]> {
  await publish(context, context.history(), topic, keyNames(8), 5);
  const messages = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
  return [...Map.groupBy(messages, ({ partition }) => partition).values()];
}

/** Where an error of one shows: at both ends, and in the middle. */
export function edgesOf(log: Log): readonly number[] {
  const last = log.length - 1;
  return [...new Set([0, 1, Math.floor(last / 2), last - 1, last])].filter((index) => index >= 0);
}

export function names(log: Log): readonly string[] {
  return log.map(({ value }) => showSequenced(value));
}
