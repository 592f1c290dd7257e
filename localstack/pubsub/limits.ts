const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** https://cloud.google.com/pubsub/quotas#resource_limits, and the comments of the service's protos. */
export const LIMITS = {
  /** Of a publish request, as it is encoded. */
  publishBytes: 10_000_000,
  publishMessages: 1_000,
  attributes: 100,
  attributeNameBytes: 256,
  attributeValueBytes: 1_024,
  orderingKeyBytes: 1_024,
  /** Of an Acknowledge or ModifyAckDeadline request, as it is encoded. */
  ackBytes: 524_288,
  pullMessages: 1_000,
  labels: 64,
  snapshots: 5_000,
  leastAckDeadlineSeconds: 10,
  mostAckDeadlineSeconds: 600,
  leastRetentionMs: 10 * MINUTE_MS,
  mostRetentionMs: 31 * DAY_MS,
  leastDeliveryAttempts: 5,
  mostDeliveryAttempts: 100,
  leastTtlMs: DAY_MS,
  snapshotLifetimeMs: 7 * DAY_MS,
  leastSnapshotLifetimeMs: HOUR_MS,
  mostBackoffMs: 600 * SECOND_MS,
  /** On one HTTP/2 connection. */
  streams: 100,
} as const;

/** What a subscription has unless it says otherwise. */
export const DEFAULTS = {
  ackDeadlineSeconds: 10,
  retentionMs: 7 * DAY_MS,
  ttlMs: 31 * DAY_MS,
  deliveryAttempts: 5,
  leastBackoffMs: 10 * SECOND_MS,
  mostBackoffMs: 600 * SECOND_MS,
} as const;
