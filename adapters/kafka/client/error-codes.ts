import type { StreamErrorCode } from "../../../src/driver/index.ts";

/**
 * How to handle a code.
 * - `retry`: retry the request. Nothing was stored.
 * - `refresh`: look up the leader or coordinator, then retry. Nothing was stored.
 * - `unknown`: the request may have been stored.
 * - `fenced`: this member or producer is no longer current. It must join again, or get a new id.
 * - `stored`: the records were stored before.
 * - `fail`: a retry of the same request never succeeds.
 */
export type ErrorClass = "retry" | "refresh" | "unknown" | "fenced" | "stored" | "fail";

export interface ErrorCode {
  readonly name: string;
  readonly code: StreamErrorCode;
  readonly class: ErrorClass;
  readonly meaning: string;
  readonly retryable: boolean;
}

type Row = readonly [number: number, name: string, errorClass: ErrorClass, code: StreamErrorCode, meaning: string];

/** Names and numbers: https://kafka.apache.org/protocol#protocol_error_codes */
const ROWS = [
  [-1, "UNKNOWN_SERVER_ERROR", "unknown", "unavailable", "the server failed in an unexpected way"],
  [1, "OFFSET_OUT_OF_RANGE", "fail", "position-out-of-range", "the log has no such offset"],
  [
    2,
    "CORRUPT_MESSAGE",
    "fail",
    "invalid-argument",
    "the server refuses the record as corrupt, or without the key that a compacted topic needs",
  ],
  [3, "UNKNOWN_TOPIC_OR_PARTITION", "refresh", "not-found", "there is no such topic or partition"],
  [5, "LEADER_NOT_AVAILABLE", "refresh", "unavailable", "the partition has no leader at present"],
  [6, "NOT_LEADER_OR_FOLLOWER", "refresh", "unavailable", "another broker leads the partition"],
  [7, "REQUEST_TIMED_OUT", "unknown", "timeout", "the replicas did not confirm in time"],
  [8, "BROKER_NOT_AVAILABLE", "refresh", "unavailable", "the broker is not available"],
  [9, "REPLICA_NOT_AVAILABLE", "refresh", "unavailable", "the replica is not available"],
  [10, "MESSAGE_TOO_LARGE", "fail", "too-large", "over max.message.bytes of the topic"],
  [12, "OFFSET_METADATA_TOO_LARGE", "fail", "too-large", "the metadata of a committed offset is too large"],
  [13, "NETWORK_EXCEPTION", "unknown", "unavailable", "the server lost the connection"],
  [14, "COORDINATOR_LOAD_IN_PROGRESS", "retry", "unavailable", "the coordinator is loading"],
  [15, "COORDINATOR_NOT_AVAILABLE", "refresh", "unavailable", "there is no coordinator at present"],
  [16, "NOT_COORDINATOR", "refresh", "unavailable", "another broker is the coordinator"],
  [17, "INVALID_TOPIC_EXCEPTION", "fail", "invalid-argument", "the name is not valid for a topic, or the topic is reserved"],
  [18, "RECORD_LIST_TOO_LARGE", "fail", "too-large", "over the segment size of the topic"],
  [19, "NOT_ENOUGH_REPLICAS", "retry", "unavailable", "fewer replicas are in sync than min.insync.replicas asks for"],
  [20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "unknown", "unavailable", "stored by the leader, but by too few replicas"],
  [22, "ILLEGAL_GENERATION", "fenced", "ownership-lost", "the group is in a newer generation than this member"],
  [23, "INCONSISTENT_GROUP_PROTOCOL", "fail", "conflict", "the members of the group have no assignment protocol in common"],
  [25, "UNKNOWN_MEMBER_ID", "fenced", "ownership-lost", "the group does not know this member any more"],
  [26, "INVALID_SESSION_TIMEOUT", "fail", "invalid-argument", "the session time-out lies outside of the server's bounds"],
  [27, "REBALANCE_IN_PROGRESS", "fenced", "ownership-lost", "the group is rebalancing"],
  [29, "TOPIC_AUTHORIZATION_FAILED", "fail", "permission-denied", "not allowed for this topic"],
  [30, "GROUP_AUTHORIZATION_FAILED", "fail", "permission-denied", "not allowed for this group"],
  [31, "CLUSTER_AUTHORIZATION_FAILED", "fail", "permission-denied", "not allowed for the cluster"],
  [32, "INVALID_TIMESTAMP", "fail", "invalid-argument", "the timestamp is too far from the server's clock"],
  [33, "UNSUPPORTED_SASL_MECHANISM", "fail", "unauthenticated", "the server does not have this SASL mechanism"],
  [34, "ILLEGAL_SASL_STATE", "fail", "unauthenticated", "the server did not expect SASL here"],
  [35, "UNSUPPORTED_VERSION", "fail", "unsupported", "the server does not know this version of the request"],
  [36, "TOPIC_ALREADY_EXISTS", "fail", "already-exists", "a topic of this name exists already"],
  [37, "INVALID_PARTITIONS", "fail", "invalid-argument", "this number of partitions is not possible"],
  [38, "INVALID_REPLICATION_FACTOR", "fail", "invalid-argument", "there are too few brokers for so many replicas"],
  [40, "INVALID_CONFIG", "fail", "invalid-argument", "a setting is not allowed"],
  [41, "NOT_CONTROLLER", "refresh", "unavailable", "another broker is the controller"],
  [42, "INVALID_REQUEST", "fail", "invalid-argument", "the server refuses the request"],
  [43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", "fail", "unsupported", "the topic's message format is too old"],
  [44, "POLICY_VIOLATION", "fail", "invalid-argument", "a policy of the server forbids it"],
  [45, "OUT_OF_ORDER_SEQUENCE_NUMBER", "fenced", "unavailable", "the server misses records of this idempotent producer"],
  [46, "DUPLICATE_SEQUENCE_NUMBER", "stored", "unavailable", "stored before"],
  [47, "INVALID_PRODUCER_EPOCH", "fenced", "unavailable", "another producer has taken over this id"],
  [53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "fail", "permission-denied", "not allowed for this transactional id"],
  [54, "SECURITY_DISABLED", "fail", "unsupported", "the server has no security"],
  [55, "OPERATION_NOT_ATTEMPTED", "retry", "unavailable", "not attempted, since another part of the request failed"],
  [56, "KAFKA_STORAGE_ERROR", "refresh", "unavailable", "the broker has a disk failure"],
  [58, "SASL_AUTHENTICATION_FAILED", "fail", "unauthenticated", "the server does not accept these credentials"],
  [59, "UNKNOWN_PRODUCER_ID", "fenced", "unavailable", "the server no longer knows this idempotent producer"],
  [60, "REASSIGNMENT_IN_PROGRESS", "retry", "unavailable", "partitions are being moved"],
  [61, "DELEGATION_TOKEN_AUTH_DISABLED", "fail", "unsupported", "the server has no delegation tokens"],
  [68, "NON_EMPTY_GROUP", "fail", "conflict", "the group has members; it must have none"],
  [69, "GROUP_ID_NOT_FOUND", "fail", "not-found", "there is no such group"],
  [72, "LISTENER_NOT_FOUND", "refresh", "unavailable", "the leader cannot be reached by this listener"],
  [73, "TOPIC_DELETION_DISABLED", "fail", "unsupported", "the server forbids the deletion of topics"],
  [74, "FENCED_LEADER_EPOCH", "refresh", "unavailable", "the partition has a newer leader"],
  [75, "UNKNOWN_LEADER_EPOCH", "refresh", "unavailable", "the broker does not know of the newest leader yet"],
  [76, "UNSUPPORTED_COMPRESSION_TYPE", "fail", "unsupported", "the server does not know this compression"],
  [78, "OFFSET_NOT_AVAILABLE", "retry", "unavailable", "the new leader does not know its end yet"],
  [79, "MEMBER_ID_REQUIRED", "retry", "unavailable", "the group has given out a member id to join with"],
  [80, "PREFERRED_LEADER_NOT_AVAILABLE", "refresh", "unavailable", "the preferred leader is not available"],
  [81, "GROUP_MAX_SIZE_REACHED", "fail", "conflict", "the group has as many members as the server allows"],
  [82, "FENCED_INSTANCE_ID", "fenced", "ownership-lost", "another member has taken this instance id"],
  [86, "GROUP_SUBSCRIBED_TO_TOPIC", "fail", "conflict", "members of the group read the topic; the group must have none"],
  [87, "INVALID_RECORD", "fail", "invalid-argument", "the topic refuses the record; a compacted topic needs a key"],
  [88, "UNSTABLE_OFFSET_COMMIT", "retry", "unavailable", "a transaction holds the offsets"],
  [89, "THROTTLING_QUOTA_EXCEEDED", "retry", "throttled", "over the quota"],
  [90, "PRODUCER_FENCED", "fenced", "unavailable", "another producer has taken over this id"],
  [100, "UNKNOWN_TOPIC_ID", "refresh", "not-found", "the topic was deleted, and perhaps created again"],
] as const satisfies readonly Row[];

/** The numbers of the codes by name. */
export const ErrorNumber = Object.fromEntries(ROWS.map(([number, name]) => [name, number])) as {
  readonly [R in (typeof ROWS)[number] as R[1]]: R[0];
};

const TABLE: ReadonlyMap<number, ErrorCode> = new Map(
  ROWS.map(([number, name, errorClass, code, meaning]) => [
    number,
    { name, code, class: errorClass, meaning, retryable: isRetryable(errorClass, code) },
  ]),
);

function isRetryable(errorClass: ErrorClass, code: StreamErrorCode): boolean {
  return errorClass !== "fail" && ["unavailable", "timeout", "throttled"].includes(code);
}

/** A code that is not in the table is newer than the table, or a defect of this client. It is not retried. */
export function errorCodeOf(errorCode: number): ErrorCode {
  return (
    TABLE.get(errorCode) ?? {
      name: "UNLISTED",
      code: "internal",
      class: "fail",
      meaning: "an error that this version does not know",
      retryable: false,
    }
  );
}
