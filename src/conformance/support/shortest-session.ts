import { isStreamError } from "../../errors.ts";
import { expectTrue, showError } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";

/** Short ones first: some servers refuse less than some seconds. */
const SESSIONS_MS = [250, 600, 3_000, 6_000, 10_000];
/** A member whose heartbeats take longer than its session is lost without a reason. */
const SESSION_CALLS = 10;

/** The shortest of these session time-outs that the provider accepts. */
export async function shortestSession(context: CaseContext, topic: CaseTopic): Promise<number> {
  const group = await context.group(topic);
  const problems: unknown[] = [];
  const sessions = new Set(SESSIONS_MS.map((sessionMs) => context.deadline.longEnough(sessionMs, SESSION_CALLS)));
  for (const sessionTimeoutMs of sessions) {
    const consumer = sequencedTopic(context.connection, topic).consumer({ group, sessionTimeoutMs, initialPosition: topic.start });
    const running = context.later(consumer.run(() => undefined));
    let problem: unknown = null;
    void running.catch((error: unknown) => (problem = error));
    await context.until(
      () => problem !== null || consumer.status().state === "running",
      "a member to join, or its session time-out to be refused",
    );
    await context.within(consumer.close(), "a consumer to close");
    if (problem === null) return sessionTimeoutMs;
    expectTrue(
      isStreamError(problem, "invalid-argument"),
      `a session time-out that is refused is invalid-argument, not ${showError(problem)}`,
    );
    problems.push(problem);
  }
  throw problems.at(-1);
}
