import { LIMITS } from "../limits.ts";
import { Code, Refusal, idOf } from "../refusal.ts";
import type { Registry } from "../resources/registry.ts";
import type { Subscription } from "../resources/subscription.ts";
import type { Call } from "./call.ts";
import { PullConsumer } from "./pull-consumer.ts";
import { type OfSubscription, checkAckDeadline, detachedText, ofSubscription } from "./subscription-calls.ts";

interface OfMessages extends OfSubscription {
  readonly ackIds: readonly string[];
}

export const acknowledge: Call<OfMessages> = {
  subject: ofSubscription,
  handle({ subscription: name, ackIds }, { registry, bytes }) {
    const subscription = usedSubscription(registry, name);
    checkAckIds(ackIds, bytes);
    return answerTo(subscription.acknowledge(ackIds));
  },
};

export const modifyAckDeadline: Call<OfMessages & { readonly ackDeadlineSeconds: number }> = {
  subject: ofSubscription,
  handle({ subscription: name, ackIds, ackDeadlineSeconds }, { registry, bytes, secondMs }) {
    const subscription = usedSubscription(registry, name);
    checkAckIds(ackIds, bytes);
    checkAckDeadline(ackDeadlineSeconds, 0);
    return answerTo(subscription.modifyDeadlines(ackIds.map((ackId) => ({ ackId, ms: ackDeadlineSeconds * secondMs }))));
  },
};

export const pull: Call<OfSubscription & { readonly maxMessages: number; readonly returnImmediately: boolean }> = {
  subject: ofSubscription,
  async handle({ subscription: name, maxMessages, returnImmediately }, { registry, secondMs, whenCancelled }) {
    const subscription = pulledSubscription(registry, name);
    if (maxMessages <= 0) throw new Refusal(Code.invalidArgument, `Invalid max_messages: ${maxMessages}. It must be positive.`);
    const consumer = new PullConsumer(subscription, Math.min(maxMessages, LIMITS.pullMessages), secondMs);
    return { receivedMessages: await consumer.receive({ returnImmediately, whenCancelled }) };
  },
};

/** A subscription that is in use by this call. @throws `Refusal` (NOT_FOUND) */
export function usedSubscription(registry: Registry, name: string): Subscription {
  const subscription = registry.subscription(name);
  subscription.usedAtMs = registry.clock.nowMs;
  return subscription;
}

/** @throws `Refusal` if nothing can be pulled from it */
export function pulledSubscription(registry: Registry, name: string): Subscription {
  const subscription = usedSubscription(registry, name);
  if (subscription.isDetached) throw new Refusal(Code.failedPrecondition, detachedText(name));
  if (!subscription.isPulled) {
    throw new Refusal(Code.failedPrecondition, `This method is not supported for this subscription type (resource=${idOf(name)}).`);
  }
  if (subscription.settings.filter !== "" || subscription.settings.messageTransforms.length > 0) {
    throw new Refusal(
      Code.unimplemented,
      "This emulator does not evaluate filters and transforms, so it delivers nothing of this subscription.",
    );
  }
  return subscription;
}

/** The status of a request in which these ids failed, with the reason of each. The others succeeded. */
export function ackRefusal(failures: ReadonlyMap<string, string>): Refusal {
  const text =
    "Some acknowledgement ids in the request were invalid. This could be because the acknowledgement ids have expired or the acknowledgement ids were malformed.";
  return new Refusal(Code.invalidArgument, text, failures);
}

function answerTo(failures: ReadonlyMap<string, string>): object {
  if (failures.size > 0) throw ackRefusal(failures);
  return {};
}

function checkAckIds(ackIds: readonly string[], bytes: number): void {
  if (ackIds.length === 0) throw new Refusal(Code.invalidArgument, "No ack ids specified.");
  if (bytes > LIMITS.ackBytes) throw new Refusal(Code.invalidArgument, `Request payload size exceeds the limit: ${LIMITS.ackBytes} bytes.`);
}
