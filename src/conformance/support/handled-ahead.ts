import type { Capability } from "../../capabilities.ts";
import type { ConsumerOptions } from "../../consume/consumer-types.ts";
import { expectUnsupported } from "../assertions.ts";
import type { CaseContext } from "../case-context.ts";
import { PromiseViolation } from "../case-outcome.ts";
import { type CaseTopic, sequencedTopic } from "../case-topic.ts";
import { type History, identify } from "../history/history.ts";
import { type Sequenced, keyNames, showSequenced } from "../history/sequenced.ts";
import { publish } from "./stream-steps.ts";

/** Their handlers do not end, so that every partition has unfinished messages in front of finished ones. */
const SLOW_KEYS = keyNames(6).map((key) => `slow-${key}`);
const QUICK_KEYS = keyNames(12);
const ROUNDS = 2;

/** Where it is off, asking for it is refused. */
export const AHEAD_GATE: Readonly<Partial<Record<Capability, (context: CaseContext) => Promise<void>>>> = {
  handledAhead: async (context) => {
    const topic = await context.topic();
    const stream = sequencedTopic(context.connection, topic);
    await expectUnsupported(async () => stream.consumer({ group: "any", commit: { ahead: true } }), "handledAhead");
  },
};

export function isSlow({ key }: Pick<Sequenced, "key">): boolean {
  return key.startsWith("slow-");
}

export interface GroupWithGaps {
  readonly topic: CaseTopic;
  readonly group: string;
  /** What was sent, and what the member handled that has left. */
  readonly before: History;
  /** What it had not handled. */
  readonly left: readonly Sequenced[];
}

/** A group whose only member has left properly: it handled every quick message, and none of the slow ones in front of them. */
export async function groupWithGaps(
  context: CaseContext,
  topicIfAny?: CaseTopic,
  options: Partial<ConsumerOptions> = {},
): Promise<GroupWithGaps> {
  const topic = topicIfAny ?? (await context.topic());
  const before = context.history();
  const group = await context.group(topic);
  await publish(context, before, topic, [...SLOW_KEYS, ...QUICK_KEYS], ROUNDS);
  const stuck = context.latch();
  const member = context.member(topic, { group, concurrency: 64, ...options }, async (message) => {
    if (isSlow(message.value)) await stuck.opened;
    else before.receive(message, "before");
  });
  const quick = before.sent.filter((value) => !isSlow(value)).length;
  await context.until(
    () => before.distinct === quick,
    () => `what is behind slow messages to be handled: ${before.distinct} of ${quick}`,
  );
  await member.close(20);
  return { topic, group, before, left: before.sent.filter(isSlow) };
}

/** What the next members of the group must be given: what is left, and one more message of each key. */
export async function withLater(context: CaseContext, { topic, before, left }: GroupWithGaps): Promise<History> {
  const next = before.continued();
  next.sent.push(...left);
  await publish(context, next, topic, [...SLOW_KEYS, ...QUICK_KEYS], 1);
  return next;
}

/** Nothing that is handled came again. */
export function checkNotRepeated(handled: readonly Sequenced[], received: readonly Sequenced[]): void {
  const known = new Set(handled.map(identify));
  const again = received.filter((value) => known.has(identify(value)));
  if (again.length === 0) return;
  throw new PromiseViolation(
    `progress: ${again.length} messages were handled and stored, and came again, first ${again.slice(0, 3).map(showSequenced).join(", ")}`,
  );
}
