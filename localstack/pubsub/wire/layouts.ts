/**
 * A field as `<type> <number>`: a scalar type, the name of a message, `map` (of strings by string) or `repeated <type>`. Names that begin
 * with a dot are complete, others belong to `google.pubsub.v1`. Enums are their numbers (`int32`).
 */
export type MessageLayout = Readonly<Record<string, string>>;

const TIMESTAMP = ".google.protobuf.Timestamp";
const DURATION = ".google.protobuf.Duration";
const FIELD_MASK = ".google.protobuf.FieldMask";

const RESOURCE_PAGE: MessageLayout = { pageSize: "int32 2", pageToken: "string 3" };

/**
 * The messages of `google.pubsub.v1` (https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1), as far as the emulator serves
 * them. Messages that it only keeps and returns are declared as their bytes, which look the same on the wire: so nothing of them is lost.
 */
export const PUBSUB_LAYOUTS: Readonly<Record<string, MessageLayout>> = {
  Topic: {
    name: "string 1",
    labels: "map 2",
    messageStoragePolicy: "bytes 3",
    kmsKeyName: "string 5",
    schemaSettings: "SchemaSettings 6",
    satisfiesPzs: "bool 7",
    messageRetentionDuration: `${DURATION} 8`,
    state: "int32 9",
    ingestionDataSourceSettings: "bytes 10",
    messageTransforms: "repeated bytes 13",
    tags: "map 14",
  },
  SchemaSettings: { schema: "string 1", encoding: "int32 2", firstRevisionId: "string 3", lastRevisionId: "string 4" },
  Schema: {
    name: "string 1",
    type: "int32 2",
    definition: "string 3",
    revisionId: "string 4",
    revisionCreateTime: `${TIMESTAMP} 6`,
  },
  CreateSchemaRequest: { parent: "string 1", schema: "Schema 2", schemaId: "string 3" },
  GetSchemaRequest: { name: "string 1", view: "int32 2" },
  ListSchemasRequest: { parent: "string 1", view: "int32 2", pageSize: "int32 3", pageToken: "string 4" },
  ListSchemasResponse: { schemas: "repeated Schema 1", nextPageToken: "string 2" },
  DeleteSchemaRequest: { name: "string 1" },
  ValidateSchemaRequest: { parent: "string 1", schema: "Schema 2" },
  ValidateSchemaResponse: {},
  ValidateMessageRequest: { parent: "string 1", name: "string 2", schema: "Schema 3", message: "bytes 4", encoding: "int32 5" },
  ValidateMessageResponse: {},
  PubsubMessage: {
    data: "bytes 1",
    attributes: "map 2",
    messageId: "string 3",
    publishTime: `${TIMESTAMP} 4`,
    orderingKey: "string 5",
  },
  GetTopicRequest: { topic: "string 1" },
  UpdateTopicRequest: { topic: "Topic 1", updateMask: `${FIELD_MASK} 2` },
  PublishRequest: { topic: "string 1", messages: "repeated PubsubMessage 2" },
  PublishResponse: { messageIds: "repeated string 1" },
  ListTopicsRequest: { project: "string 1", ...RESOURCE_PAGE },
  ListTopicsResponse: { topics: "repeated Topic 1", nextPageToken: "string 2" },
  ListTopicSubscriptionsRequest: { topic: "string 1", ...RESOURCE_PAGE },
  ListTopicSubscriptionsResponse: { subscriptions: "repeated string 1", nextPageToken: "string 2" },
  ListTopicSnapshotsRequest: { topic: "string 1", ...RESOURCE_PAGE },
  ListTopicSnapshotsResponse: { snapshots: "repeated string 1", nextPageToken: "string 2" },
  DeleteTopicRequest: { topic: "string 1" },
  DetachSubscriptionRequest: { subscription: "string 1" },
  DetachSubscriptionResponse: {},

  Subscription: {
    name: "string 1",
    topic: "string 2",
    pushConfig: "bytes 4",
    ackDeadlineSeconds: "int32 5",
    retainAckedMessages: "bool 7",
    messageRetentionDuration: `${DURATION} 8`,
    labels: "map 9",
    enableMessageOrdering: "bool 10",
    expirationPolicy: "ExpirationPolicy 11",
    filter: "string 12",
    deadLetterPolicy: "DeadLetterPolicy 13",
    retryPolicy: "RetryPolicy 14",
    detached: "bool 15",
    enableExactlyOnceDelivery: "bool 16",
    topicMessageRetentionDuration: `${DURATION} 17`,
    bigqueryConfig: "bytes 18",
    state: "int32 19",
    cloudStorageConfig: "bytes 22",
    messageTransforms: "repeated bytes 25",
    tags: "map 26",
    bigtableConfig: "bytes 27",
  },
  ExpirationPolicy: { ttl: `${DURATION} 1` },
  DeadLetterPolicy: { deadLetterTopic: "string 1", maxDeliveryAttempts: "int32 2" },
  RetryPolicy: { minimumBackoff: `${DURATION} 1`, maximumBackoff: `${DURATION} 2` },
  ReceivedMessage: { ackId: "string 1", message: "bytes 2", deliveryAttempt: "int32 3" },
  GetSubscriptionRequest: { subscription: "string 1" },
  UpdateSubscriptionRequest: { subscription: "Subscription 1", updateMask: `${FIELD_MASK} 2` },
  ListSubscriptionsRequest: { project: "string 1", ...RESOURCE_PAGE },
  ListSubscriptionsResponse: { subscriptions: "repeated Subscription 1", nextPageToken: "string 2" },
  DeleteSubscriptionRequest: { subscription: "string 1" },
  ModifyPushConfigRequest: { subscription: "string 1", pushConfig: "bytes 2" },
  PullRequest: { subscription: "string 1", returnImmediately: "bool 2", maxMessages: "int32 3" },
  PullResponse: { receivedMessages: "repeated ReceivedMessage 1" },
  ModifyAckDeadlineRequest: { subscription: "string 1", ackDeadlineSeconds: "int32 3", ackIds: "repeated string 4" },
  AcknowledgeRequest: { subscription: "string 1", ackIds: "repeated string 2" },
  StreamingPullRequest: {
    subscription: "string 1",
    ackIds: "repeated string 2",
    modifyDeadlineSeconds: "repeated int32 3",
    modifyDeadlineAckIds: "repeated string 4",
    streamAckDeadlineSeconds: "int32 5",
    clientId: "string 6",
    maxOutstandingMessages: "int64 7",
    maxOutstandingBytes: "int64 8",
    protocolVersion: "int64 10",
  },
  StreamingPullResponse: {
    receivedMessages: "repeated ReceivedMessage 1",
    modifyAckDeadlineConfirmation: "ModifyAckDeadlineConfirmation 3",
    subscriptionProperties: "SubscriptionProperties 4",
    acknowledgeConfirmation: "AcknowledgeConfirmation 5",
  },
  AcknowledgeConfirmation: {
    ackIds: "repeated string 1",
    invalidAckIds: "repeated string 2",
    unorderedAckIds: "repeated string 3",
    temporaryFailedAckIds: "repeated string 4",
  },
  ModifyAckDeadlineConfirmation: {
    ackIds: "repeated string 1",
    invalidAckIds: "repeated string 2",
    temporaryFailedAckIds: "repeated string 3",
  },
  SubscriptionProperties: { exactlyOnceDeliveryEnabled: "bool 1", messageOrderingEnabled: "bool 2" },
  Snapshot: { name: "string 1", topic: "string 2", expireTime: `${TIMESTAMP} 3`, labels: "map 4" },
  CreateSnapshotRequest: { name: "string 1", subscription: "string 2", labels: "map 3", tags: "map 4" },
  UpdateSnapshotRequest: { snapshot: "Snapshot 1", updateMask: `${FIELD_MASK} 2` },
  GetSnapshotRequest: { snapshot: "string 1" },
  ListSnapshotsRequest: { project: "string 1", ...RESOURCE_PAGE },
  ListSnapshotsResponse: { snapshots: "repeated Snapshot 1", nextPageToken: "string 2" },
  DeleteSnapshotRequest: { snapshot: "string 1" },
  SeekRequest: { subscription: "string 1", time: `${TIMESTAMP} 2`, snapshot: "string 3" },
  SeekResponse: {},
};

/** What the messages above consist of, and the details of errors (https://cloud.google.com/apis/design/errors#error_details). */
export const COMMON_LAYOUTS: Readonly<Record<string, Readonly<Record<string, MessageLayout>>>> = {
  "google.protobuf": {
    Timestamp: { seconds: "int64 1", nanos: "int32 2" },
    Duration: { seconds: "int64 1", nanos: "int32 2" },
    FieldMask: { paths: "repeated string 1" },
    Empty: {},
    Any: { typeUrl: "string 1", value: "bytes 2" },
  },
  "google.rpc": {
    Status: { code: "int32 1", message: "string 2", details: "repeated .google.protobuf.Any 3" },
    ErrorInfo: { reason: "string 1", domain: "string 2", metadata: "map 3" },
  },
  "google.iam.v1": {
    TestIamPermissionsRequest: { resource: "string 1", permissions: "repeated string 2" },
    TestIamPermissionsResponse: { permissions: "repeated string 1" },
  },
};

const EMPTY = ".google.protobuf.Empty";

/** The methods of each service, as `[request, response]`. */
export const SERVICE_LAYOUTS = {
  "google.pubsub.v1.Publisher": {
    CreateTopic: ["Topic", "Topic"],
    UpdateTopic: ["UpdateTopicRequest", "Topic"],
    Publish: ["PublishRequest", "PublishResponse"],
    GetTopic: ["GetTopicRequest", "Topic"],
    ListTopics: ["ListTopicsRequest", "ListTopicsResponse"],
    ListTopicSubscriptions: ["ListTopicSubscriptionsRequest", "ListTopicSubscriptionsResponse"],
    ListTopicSnapshots: ["ListTopicSnapshotsRequest", "ListTopicSnapshotsResponse"],
    DeleteTopic: ["DeleteTopicRequest", EMPTY],
    DetachSubscription: ["DetachSubscriptionRequest", "DetachSubscriptionResponse"],
  },
  "google.pubsub.v1.Subscriber": {
    CreateSubscription: ["Subscription", "Subscription"],
    GetSubscription: ["GetSubscriptionRequest", "Subscription"],
    UpdateSubscription: ["UpdateSubscriptionRequest", "Subscription"],
    ListSubscriptions: ["ListSubscriptionsRequest", "ListSubscriptionsResponse"],
    DeleteSubscription: ["DeleteSubscriptionRequest", EMPTY],
    ModifyAckDeadline: ["ModifyAckDeadlineRequest", EMPTY],
    Acknowledge: ["AcknowledgeRequest", EMPTY],
    Pull: ["PullRequest", "PullResponse"],
    StreamingPull: ["StreamingPullRequest", "StreamingPullResponse"],
    ModifyPushConfig: ["ModifyPushConfigRequest", EMPTY],
    GetSnapshot: ["GetSnapshotRequest", "Snapshot"],
    ListSnapshots: ["ListSnapshotsRequest", "ListSnapshotsResponse"],
    CreateSnapshot: ["CreateSnapshotRequest", "Snapshot"],
    UpdateSnapshot: ["UpdateSnapshotRequest", "Snapshot"],
    DeleteSnapshot: ["DeleteSnapshotRequest", EMPTY],
    Seek: ["SeekRequest", "SeekResponse"],
  },
  "google.pubsub.v1.SchemaService": {
    CreateSchema: ["CreateSchemaRequest", "Schema"],
    GetSchema: ["GetSchemaRequest", "Schema"],
    ListSchemas: ["ListSchemasRequest", "ListSchemasResponse"],
    DeleteSchema: ["DeleteSchemaRequest", EMPTY],
    ValidateSchema: ["ValidateSchemaRequest", "ValidateSchemaResponse"],
    ValidateMessage: ["ValidateMessageRequest", "ValidateMessageResponse"],
  },
  "google.iam.v1.IAMPolicy": {
    TestIamPermissions: ["TestIamPermissionsRequest", "TestIamPermissionsResponse"],
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, readonly [string, string]>>>>;

/** The methods whose requests and responses are streams. */
export const STREAMING_METHODS: ReadonlySet<string> = new Set(["StreamingPull"]);
