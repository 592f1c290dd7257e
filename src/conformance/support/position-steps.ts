import type { Message } from "../../message.ts";
import { expectTrue, expectUnsupported } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { type Sequenced, keyNames } from "../history/sequenced.ts";
import { publish, readAll } from "./stream-steps.ts";

/** What one partition holds, of several keys. */
export async function oneLog(context: CaseContext, topic: CaseTopic): Promise<readonly Message<Sequenced>[]> {
  await publish(context, context.history(), topic, keyNames(8), 10);
  const messages = await readAll(context, sequencedTopic(context.connection, topic), { from: topic.start, until: "now" });
  const log = messages.filter(({ partition }) => partition === messages[0]?.partition);
  expectTrue(log.length >= 10, "a reader hands out what was published");
  return log;
}

/** What holds where readers do not start at positions: every range with one is refused. */
export async function refusesPositions(context: CaseContext): Promise<void> {
  const topic = await context.topic();
  const { position } = (await oneLog(context, topic))[0]!;
  const stream = sequencedTopic(context.connection, topic);
  await expectUnsupported(async () => readAll(context, stream, { from: { at: position }, until: "now" }), "startAtPosition");
  await expectUnsupported(async () => readAll(context, stream, { from: { after: position }, until: "now" }), "startAtPosition");
  await expectUnsupported(async () => readAll(context, stream, { from: topic.start, until: { through: position } }), "startAtPosition");
}
