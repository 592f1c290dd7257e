import { isStreamError } from "../../errors.ts";
import type { CaseContext } from "../case-context.ts";
import { EnvironmentMissing, PromiseViolation } from "../case-outcome.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { readAll } from "./stream-steps.ts";

// Retention that acts while a case waits, and only when it is told to: what a case reads before that is there however slowly
// it reads. Where the provider's least is hours, the environment lacks it.

const SHORT_MS = 60;
const LONG_MS = 3_600_000;
const ACTS_WITHIN_MS = 10_000;

/** A topic that can be made to forget. @throws EnvironmentMissing where none can be had */
export async function topicWithShortRetention(context: CaseContext): Promise<CaseTopic> {
  if (!context.capabilities.topicAdmin) throw new EnvironmentMissing("retention: that of a topic cannot be changed");
  return context.topic();
}

/**
 * Makes it forget all that it holds; from then on it keeps what comes.
 * @throws EnvironmentMissing where it cannot be made to, or where that takes too long
 */
export async function untilRetentionActed(context: CaseContext, topic: CaseTopic): Promise<void> {
  const stream = sequencedTopic(context.connection, topic);
  await shorten(context, topic);
  await untilActed(
    context,
    async () => (await readAll(context, stream, { from: "earliest", until: "now", onGap: () => undefined })).length === 0,
    "retention to remove everything",
    "does not act",
  );
  await context.admin.updateTopic(topic.name, { retentionMs: LONG_MS });
  await untilRetentionIs(context, topic, LONG_MS);
}

async function shorten(context: CaseContext, topic: CaseTopic): Promise<void> {
  try {
    await context.admin.updateTopic(topic.name, { retentionMs: SHORT_MS });
  } catch (error) {
    if (isStreamError(error, "invalid-argument", "unsupported")) throw new EnvironmentMissing(`retention: ${SHORT_MS} ms are refused`);
    throw error;
  }
  await untilRetentionIs(context, topic, SHORT_MS);
}

/** Servers may take a while until they know what they have been told. */
async function untilRetentionIs(context: CaseContext, topic: CaseTopic, retentionMs: number): Promise<void> {
  await untilActed(
    context,
    async () => (await context.admin.describeTopic(topic.name)).retentionMs === retentionMs,
    "a change of retention to be known",
    `${retentionMs} ms are not what a topic gets`,
  );
}

/** @throws EnvironmentMissing with `otherwise` where the answer stays no for long, or until the case has no more time */
async function untilActed(context: CaseContext, question: () => Promise<boolean>, what: string, otherwise: string): Promise<void> {
  const started = performance.now();
  const missing = (): EnvironmentMissing =>
    new EnvironmentMissing(`retention: ${otherwise} in the time of a case, at most ${ACTS_WITHIN_MS} ms`);
  let answers = 0;
  try {
    await context.deadline.untilAsked(async () => {
      if (performance.now() - started > ACTS_WITHIN_MS) throw missing();
      const answer = await question();
      answers += 1;
      return answer;
    }, what);
  } catch (error) {
    // A case that may not wait as long cannot say that retention would not have acted; but a question has to be answered.
    const wasCutShort = context.signal.aborted && performance.now() - started < ACTS_WITHIN_MS;
    if (wasCutShort && answers > 0 && error instanceof PromiseViolation) throw missing();
    throw error;
  }
}
