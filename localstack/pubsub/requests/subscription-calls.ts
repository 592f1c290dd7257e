import { randomUUID } from "node:crypto";
import { DEFAULTS, LIMITS } from "../limits.ts";
import { Code, Refusal, idOf } from "../refusal.ts";
import { checkLabels, checkName, projectOf } from "../resources/names.ts";
import type { Registry } from "../resources/registry.ts";
import type { DeadLetterPolicy, FieldMask, PageRequest, RetryPolicy, SubscriptionMessage } from "../wire/messages.ts";
import { checkDuration, msOf, secondsOf } from "../wire/seconds.ts";
import type { Call } from "./call.ts";
import { pageOf } from "./page.ts";
import { updated } from "./update.ts";

/** Not the topic, the order and the filter. */
const CHANGEABLE: ReadonlySet<string> = new Set([
  "push_config",
  "bigquery_config",
  "cloud_storage_config",
  "bigtable_config",
  "ack_deadline_seconds",
  "retain_acked_messages",
  "message_retention_duration",
  "labels",
  "expiration_policy",
  "dead_letter_policy",
  "retry_policy",
  "enable_exactly_once_delivery",
  "message_transforms",
]);

export interface OfSubscription {
  readonly subscription: string;
}

export const ofSubscription = ({ subscription }: OfSubscription): OfSubscription => ({ subscription });

export const createSubscription: Call<SubscriptionMessage> = {
  subject: ({ name, topic }) => ({ topic, subscription: name }),
  handle(request, { registry }) {
    // Without a name the service makes one up, in the project of the topic.
    const name = request.name === "" ? `projects/${projectOf(request.topic)}/subscriptions/s-${randomUUID()}` : request.name;
    checkName("subscriptions", name);
    const settings = withDefaults({ ...request, name });
    checkSubscription(settings, registry);
    return registry.createSubscription(settings).message;
  },
};

export const getSubscription: Call<OfSubscription> = {
  subject: ofSubscription,
  handle: ({ subscription }, { registry }) => registry.subscription(subscription).message,
};

export const updateSubscription: Call<{ readonly subscription: SubscriptionMessage | null; readonly updateMask: FieldMask | null }> = {
  subject: ({ subscription }) => ({ subscription: subscription?.name ?? "" }),
  handle({ subscription: changes, updateMask }, { registry }) {
    if (changes === null) throw new Refusal(Code.invalidArgument, "The subscription is missing.");
    const subscription = registry.subscription(changes.name);
    const settings = withDefaults(updated(subscription.settings, changes, updateMask, CHANGEABLE));
    checkSubscription(settings, registry);
    subscription.settings = settings;
    return subscription.message;
  },
};

export const listSubscriptions: Call<PageRequest & { readonly project: string }> = {
  subject: () => ({}),
  handle(request, { registry }) {
    registry.checkProject(request.project);
    const { page, nextPageToken } = pageOf(registry.subscriptionsOf(projectOf(request.project)), request);
    return { subscriptions: page.map(({ message }) => message), nextPageToken };
  },
};

export const deleteSubscription: Call<OfSubscription> = {
  subject: ofSubscription,
  handle({ subscription }, { registry }) {
    registry.deleteSubscription(subscription);
    return {};
  },
};

export const modifyPushConfig: Call<OfSubscription & { readonly pushConfig: Buffer }> = {
  subject: ofSubscription,
  handle({ subscription: name, pushConfig }, { registry }) {
    const subscription = registry.subscription(name);
    subscription.settings = { ...subscription.settings, pushConfig };
    return {};
  },
};

export const detachSubscription: Call<OfSubscription> = {
  subject: ofSubscription,
  handle({ subscription: name }, { registry }) {
    const subscription = registry.subscription(name);
    subscription.detach();
    subscription.endStreams(Code.failedPrecondition, detachedText(name));
    return {};
  },
};

export function detachedText(name: string): string {
  return `Subscription is detached from its topic (resource=${idOf(name)}).`;
}

function withDefaults(settings: SubscriptionMessage): SubscriptionMessage {
  const { ackDeadlineSeconds, messageRetentionDuration, expirationPolicy, deadLetterPolicy, retryPolicy } = settings;
  return {
    ...settings,
    ackDeadlineSeconds: ackDeadlineSeconds === 0 ? DEFAULTS.ackDeadlineSeconds : ackDeadlineSeconds,
    messageRetentionDuration: messageRetentionDuration ?? secondsOf(DEFAULTS.retentionMs),
    expirationPolicy: expirationPolicy ?? { ttl: secondsOf(DEFAULTS.ttlMs) },
    deadLetterPolicy: deadLetterPolicy === null ? null : withAttempts(deadLetterPolicy),
    retryPolicy: retryPolicy === null ? null : withBackoff(retryPolicy),
  };
}

function withAttempts({ deadLetterTopic, maxDeliveryAttempts }: DeadLetterPolicy): DeadLetterPolicy {
  return { deadLetterTopic, maxDeliveryAttempts: maxDeliveryAttempts === 0 ? DEFAULTS.deliveryAttempts : maxDeliveryAttempts };
}

function withBackoff({ minimumBackoff, maximumBackoff }: RetryPolicy): RetryPolicy {
  return {
    minimumBackoff: minimumBackoff ?? secondsOf(DEFAULTS.leastBackoffMs),
    maximumBackoff: maximumBackoff ?? secondsOf(DEFAULTS.mostBackoffMs),
  };
}

function checkSubscription(settings: SubscriptionMessage, registry: Registry): void {
  const { labels, ackDeadlineSeconds, messageRetentionDuration, expirationPolicy, deadLetterPolicy, retryPolicy } = settings;
  checkLabels(labels, LIMITS.labels);
  checkAckDeadline(ackDeadlineSeconds, LIMITS.leastAckDeadlineSeconds);
  checkDuration("message_retention_duration", messageRetentionDuration!, LIMITS.leastRetentionMs, LIMITS.mostRetentionMs);
  const ttl = expirationPolicy?.ttl ?? null;
  if (ttl !== null) checkTtl(msOf(ttl), msOf(messageRetentionDuration!));
  if (deadLetterPolicy !== null) checkDeadLetterPolicy(deadLetterPolicy, registry);
  for (const backoff of [retryPolicy?.minimumBackoff, retryPolicy?.maximumBackoff]) {
    if (backoff !== null && backoff !== undefined) checkDuration("retry_policy", backoff, 0, LIMITS.mostBackoffMs);
  }
}

/** @throws `Refusal` (INVALID_ARGUMENT) */
export function checkAckDeadline(seconds: number, least: number): void {
  if (seconds >= least && seconds <= LIMITS.mostAckDeadlineSeconds) return;
  const text = `Invalid ack deadline given: ${seconds}. It must be between ${least} and ${LIMITS.mostAckDeadlineSeconds} seconds.`;
  throw new Refusal(Code.invalidArgument, text);
}

/** https://cloud.google.com/pubsub/docs/subscription-properties#expiration_period: it must be longer than the retention. */
function checkTtl(ttlMs: number, retentionMs: number): void {
  if (ttlMs >= LIMITS.leastTtlMs && ttlMs >= retentionMs) return;
  const text = `Invalid expiration_policy.ttl: ${ttlMs / 1_000}s. It must be at least 1 day, and not be less than the message retention.`;
  throw new Refusal(Code.invalidArgument, text);
}

function checkDeadLetterPolicy({ deadLetterTopic, maxDeliveryAttempts }: DeadLetterPolicy, registry: Registry): void {
  if (maxDeliveryAttempts < LIMITS.leastDeliveryAttempts || maxDeliveryAttempts > LIMITS.mostDeliveryAttempts) {
    const bounds = `${LIMITS.leastDeliveryAttempts} and ${LIMITS.mostDeliveryAttempts}`;
    throw new Refusal(Code.invalidArgument, `Invalid max_delivery_attempts: ${maxDeliveryAttempts}. It must be between ${bounds}.`);
  }
  registry.topic(deadLetterTopic);
}
