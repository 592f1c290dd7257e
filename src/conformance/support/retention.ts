import { isStreamError } from "../../errors.ts";
import type { CaseContext } from "../case-context.ts";
import { EnvironmentMissing, PromiseViolation } from "../case-outcome.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { readAll } from "./stream-steps.ts";

// Retention that removes messages during a case, but only when the case asks for it: until then all messages stay, however slowly
// the case reads. An emulator does it on demand. A server gets a short retention; where its shortest one is hours, the environment lacks it.

const SHORT_MS = 60;
const LONG_MS = 3_600_000;
const ACTS_WITHIN_MS = 10_000;
const ACTS_WITHIN_CALLS = 40;

/** A topic for `untilRetentionActed`. @throws EnvironmentMissing where its retention can neither be applied on demand nor be shortened */
export async function topicWithRetention(context: CaseContext): Promise<CaseTopic> {
  if (context.expiry() === null && !context.capabilities.topicAdmin)
    throw new EnvironmentMissing("retention: that of a topic cannot be changed");
  return context.topic();
}

/**
 * Waits until retention has removed all messages of the topic. Later messages are kept.
 * @throws EnvironmentMissing where the retention cannot be shortened, or does not act in time
 */
export async function untilRetentionActed(context: CaseContext, topic: CaseTopic): Promise<void> {
  const stream = sequencedTopic(context.connection, topic);
  const expire = context.expiry();
  await (expire === null ? shorten(context, topic) : expire(topic));
  await untilActed(
    context,
    async () => (await readAll(context, stream, { from: "earliest", until: "now", onGap: () => undefined })).length === 0,
    "retention to remove everything",
    "does not act",
  );
  if (expire !== null) return;
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

/** A server may need some time until it shows a changed setting. */
async function untilRetentionIs(context: CaseContext, topic: CaseTopic, retentionMs: number): Promise<void> {
  await untilActed(
    context,
    async () => (await context.admin.describeTopic(topic.name)).retentionMs === retentionMs,
    "a change of retention to be known",
    `a topic does not get ${retentionMs} ms`,
  );
}

/** @throws EnvironmentMissing with `otherwise` if the answer stays false for 10 seconds (40 calls of a slow target), or until the deadline of the case */
async function untilActed(context: CaseContext, question: () => Promise<boolean>, what: string, otherwise: string): Promise<void> {
  const started = performance.now();
  const withinMs = context.deadline.longEnough(ACTS_WITHIN_MS, ACTS_WITHIN_CALLS);
  const missing = (): EnvironmentMissing => new EnvironmentMissing(`retention: ${otherwise} in the time of a case, at most ${withinMs} ms`);
  let answers = 0;
  try {
    await context.deadline.untilAsked(async () => {
      if (performance.now() - started > withinMs) throw missing();
      const answer = await question();
      answers += 1;
      return answer;
    }, what);
  } catch (error) {
    // With a shorter deadline the case cannot know whether retention would have acted. But the server must have answered at least once.
    const wasCutShort = context.signal.aborted && performance.now() - started < withinMs;
    if (wasCutShort && answers > 0 && error instanceof PromiseViolation) throw missing();
    throw error;
  }
}
