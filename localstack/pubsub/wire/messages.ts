/** The messages of `layouts.ts` as they are read: absent texts are empty, absent numbers 0, absent messages `null`. */

/** `seconds` and `nanos` (0 to 999,999,999), since the epoch or as a length. */
export interface Seconds {
  readonly seconds: number;
  readonly nanos: number;
}

export interface FieldMask {
  readonly paths: readonly string[];
}

export interface TopicMessage {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly messageStoragePolicy: Buffer;
  readonly kmsKeyName: string;
  readonly schemaSettings: SchemaSettingsMessage | null;
  readonly messageRetentionDuration: Seconds | null;
  readonly ingestionDataSourceSettings: Buffer;
  readonly messageTransforms: readonly Buffer[];
}

export interface SchemaSettingsMessage {
  readonly schema: string;
  /** 0: it is missing. */
  readonly encoding: number;
}

export interface SchemaMessage {
  /** 1: Protocol Buffers, 2: Avro. */
  readonly type: number;
  readonly definition: string;
}

export interface PubsubMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageId: string;
  readonly publishTime: Seconds | null;
  readonly orderingKey: string;
}

export interface DeadLetterPolicy {
  readonly deadLetterTopic: string;
  readonly maxDeliveryAttempts: number;
}

export interface RetryPolicy {
  readonly minimumBackoff: Seconds | null;
  readonly maximumBackoff: Seconds | null;
}

export interface SubscriptionMessage {
  readonly name: string;
  readonly topic: string;
  readonly pushConfig: Buffer;
  readonly bigqueryConfig: Buffer;
  readonly cloudStorageConfig: Buffer;
  readonly bigtableConfig: Buffer;
  readonly ackDeadlineSeconds: number;
  readonly retainAckedMessages: boolean;
  readonly messageRetentionDuration: Seconds | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly enableMessageOrdering: boolean;
  readonly expirationPolicy: { readonly ttl: Seconds | null } | null;
  readonly filter: string;
  readonly deadLetterPolicy: DeadLetterPolicy | null;
  readonly retryPolicy: RetryPolicy | null;
  readonly enableExactlyOnceDelivery: boolean;
  readonly messageTransforms: readonly Buffer[];
}

export interface ReceivedMessage {
  readonly ackId: string;
  /** A `PubsubMessage`, encoded. */
  readonly message: Buffer;
  readonly deliveryAttempt: number;
}

export interface StreamingPullRequest {
  readonly subscription: string;
  readonly ackIds: readonly string[];
  readonly modifyDeadlineSeconds: readonly number[];
  readonly modifyDeadlineAckIds: readonly string[];
  readonly streamAckDeadlineSeconds: number;
  readonly clientId: string;
  readonly maxOutstandingMessages: number;
  readonly maxOutstandingBytes: number;
  readonly protocolVersion: number;
}

export interface SnapshotMessage {
  readonly name: string;
  readonly topic: string;
  readonly expireTime: Seconds | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}
