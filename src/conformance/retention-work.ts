import { isStreamError } from "../errors.ts";
import type { CaseContext } from "./case-context.ts";
import { EnvironmentMissing } from "./case-outcome.ts";
import { type CaseTopic, DEFAULT_TOPIC, sequencedTopic } from "./case-topic.ts";
import { readAll } from "./stream-work.ts";

// Retention that acts while a case waits. Where the provider's least is hours, the environment lacks it.

const SHORT_MS = 60;
const LONG_MS = 3_600_000;
const ACTS_WITHIN_MS = 5_000;

/** A topic that forgets soon. @throws EnvironmentMissing where none can be had */
export async function forgetfulTopic(context: CaseContext): Promise<CaseTopic> {
  if (!context.capabilities.topicAdmin) throw new EnvironmentMissing("retention: that of a topic cannot be changed");
  let topic: CaseTopic;
  try {
    topic = await context.topic({ ...DEFAULT_TOPIC, retentionMs: SHORT_MS });
  } catch (error) {
    if (isStreamError(error, "invalid-argument", "unsupported")) throw new EnvironmentMissing(`retention: ${SHORT_MS} ms are refused`);
    throw error;
  }
  const { retentionMs } = await context.admin.describeTopic(topic.name);
  if (retentionMs !== SHORT_MS) throw new EnvironmentMissing(`retention: ${SHORT_MS} ms are not what a topic gets`);
  return topic;
}

/** Waits until nothing is left of a forgetful topic; from then on it keeps what comes. @throws EnvironmentMissing where that takes too long */
export async function untilForgotten(context: CaseContext, topic: CaseTopic): Promise<void> {
  const stream = sequencedTopic(context.connection, topic);
  const started = performance.now();
  await context.patience.untilAsked(async () => {
    if (performance.now() - started > ACTS_WITHIN_MS) throw new EnvironmentMissing(`retention: does not act within ${ACTS_WITHIN_MS} ms`);
    return (await readAll(context, stream, { from: "earliest", until: "now", onGap: () => undefined })).length === 0;
  }, "retention to remove everything");
  await context.admin.updateTopic(topic.name, { retentionMs: LONG_MS });
}
