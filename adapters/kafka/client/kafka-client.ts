import type { EpochEnd, LogPlace } from "../fetch/read-epochs.ts";

/**
 * The small Kafka client that this adapter uses: one method for each request of the protocol.
 * `client/` implements it with kafkajs's connections; another client can replace it behind these types.
 *
 * - Every call is one request to one broker. Nothing is retried, nothing is cached (except addresses and versions of brokers).
 * - An error of a whole request is thrown: `KafkaProtocolError` for an error code of the server, the client's own errors for
 *   a broken connection or a missing answer. An error of one partition, topic or group of a request is an `errorCode` in
 *   its result; 0 is success. `errors.ts` translates both.
 * - When `signal` aborts, the call rejects with its reason at once; the request may have been sent.
 * - A server answers the requests of one connection in order, so a long poll or a join delays the requests after it. Each broker has
 *   four connections: for Produce, for Fetch, for group members, and for all other requests. `dedicated()` makes a client that shares
 *   only the settings.
 */
export interface KafkaClient {
  /** A client with its own connections. The caller closes it; closing this client closes it as well. */
  dedicated(): KafkaClient;
  /** `null`: all topics. Asks any broker. Never creates a topic. */
  metadata(topics: readonly string[] | null, signal: AbortSignal): Promise<ClusterMetadata>;
  /** Opens a connection to the broker unless one is open. @throws the reason if it cannot be opened */
  reach(brokerId: number, signal: AbortSignal): Promise<void>;
  produce(brokerId: number, request: ProduceRequest, signal: AbortSignal): Promise<readonly ProducedPartition[]>;
  /** Long poll: the server answers when there are records, or after `maxWaitMs`. */
  fetch(brokerId: number, request: FetchRequest, signal: AbortSignal): Promise<readonly FetchedPartition[]>;
  listOffsets(brokerId: number, request: ListOffsetsRequest, signal: AbortSignal): Promise<readonly ListedOffset[]>;
  /** Where leader epochs end in the log. */
  epochEnds(brokerId: number, request: EpochEndsRequest, signal: AbortSignal): Promise<readonly ListedEpochEnd[]>;
  /** A new id for an idempotent producer. */
  initProducerId(signal: AbortSignal): Promise<ProducerIdentity>;

  /** The broker that coordinates a group. It may not be ready yet (code 15), and another broker can take over (code 16). */
  findCoordinator(group: string, signal: AbortSignal): Promise<number>;
  /** Waits for all members, up to the rebalance time-out. The first join of a member throws code 79 with a `memberId`; the member then joins again with it. */
  joinGroup(brokerId: number, request: JoinGroupRequest, signal: AbortSignal): Promise<JoinedGroup>;
  /** Waits for the leader's assignments. @returns this member's assignment; empty if it has none */
  syncGroup(brokerId: number, request: SyncGroupRequest, signal: AbortSignal): Promise<Buffer>;
  heartbeat(brokerId: number, member: GroupMember, signal: AbortSignal): Promise<void>;
  leaveGroup(brokerId: number, member: Pick<GroupMember, "group" | "memberId">, signal: AbortSignal): Promise<void>;
  /** An administrative commit has `generation: -1` and an empty `memberId`. Servers accept it only while the group has no members. */
  offsetCommit(brokerId: number, request: OffsetCommitRequest, signal: AbortSignal): Promise<readonly PartitionResult[]>;
  /** `topics: null`: all topics of the group. An offset of -1: none is committed. */
  offsetFetch(
    brokerId: number,
    group: string,
    topics: readonly TopicPartitions[] | null,
    signal: AbortSignal,
  ): Promise<readonly CommittedOffset[]>;
  /** Deletes committed offsets of a group. */
  offsetDelete(
    brokerId: number,
    group: string,
    topics: readonly TopicPartitions[],
    signal: AbortSignal,
  ): Promise<readonly PartitionResult[]>;
  describeGroup(brokerId: number, group: string, signal: AbortSignal): Promise<DescribedGroup>;
  /** The operations that this client may do on the topic and on the cluster. Asks any broker. */
  topicOperations(
    topic: string,
    signal: AbortSignal,
  ): Promise<{ readonly errorCode: number; readonly topic: AllowedOperations; readonly cluster: AllowedOperations }>;
  /** The operations that this client may do on the group, which need not exist. */
  groupOperations(
    brokerId: number,
    group: string,
    signal: AbortSignal,
  ): Promise<{ readonly errorCode: number; readonly group: AllowedOperations }>;
  /** The groups that this broker coordinates. */
  listGroups(brokerId: number, signal: AbortSignal): Promise<readonly { readonly group: string; readonly protocolType: string }[]>;
  deleteGroup(brokerId: number, group: string, signal: AbortSignal): Promise<void>;

  /** To the controller. `partitions` or `replicationFactor` of -1: the server's default. */
  createTopic(brokerId: number, request: CreateTopicRequest, signal: AbortSignal): Promise<void>;
  /** To the controller. `count`: the new number of partitions. */
  createPartitions(brokerId: number, topic: string, count: number, signal: AbortSignal): Promise<void>;
  /** To the controller. */
  deleteTopic(brokerId: number, topic: string, signal: AbortSignal): Promise<void>;
  /** Asks any broker. `names: null`: all settings. */
  describeTopicConfig(topic: string, names: readonly string[] | null, signal: AbortSignal): Promise<ReadonlyMap<string, string | null>>;
  /** Sets the given settings. The others stay as they are. */
  alterTopicConfig(brokerId: number, topic: string, settings: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void>;
  /** Deletes all records before `offset`, which becomes the low watermark. */
  deleteRecords(brokerId: number, topic: string, partition: number, offset: bigint, signal: AbortSignal): Promise<void>;

  /** Closes all connections and rejects requests in flight. Never rejects. */
  close(): Promise<void>;
}

/** A set of Kafka's `AclOperation`: the bit of each is its number. `null`: the server does not report it. */
export type AllowedOperations = number | null;

export interface BrokerAddress {
  readonly brokerId: number;
  readonly host: string;
  readonly port: number;
}

export interface ClusterMetadata {
  readonly brokers: readonly BrokerAddress[];
  readonly clusterId: string | null;
  /** -1: not known. */
  readonly controllerId: number;
  readonly topics: readonly TopicMetadata[];
}

export interface TopicMetadata {
  readonly errorCode: number;
  readonly topic: string;
  /** A UUID as 32 hexadecimal digits; `null` if the server is too old for topic ids. */
  readonly topicId: string | null;
  readonly isInternal: boolean;
  /** Ordered by their numbers. */
  readonly partitions: readonly PartitionMetadata[];
}

interface PartitionMetadata {
  readonly errorCode: number;
  readonly partition: number;
  /** -1: the partition has no leader at present. */
  readonly leaderId: number;
}

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface PartitionResult {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
}

export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly epoch: number;
}

/** `acks` is always `all`: all in-sync replicas confirm. */
export interface ProduceRequest {
  readonly topic: string;
  /** With the id, a server that knows topic ids refuses the request if the topic was deleted and created again (code 100). */
  readonly topicId: string | null;
  /** The time that the server waits for its replicas. */
  readonly timeoutMs: number;
  /** Each partition at most once. */
  readonly partitions: readonly {
    readonly partition: number;
    /** One record batch, in one or more consecutive pieces. */
    readonly batch: readonly Uint8Array[];
  }[];
}

export interface ProducedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: bigint;
  /** -1: the records keep their own timestamps. */
  readonly logAppendTimeMs: number;
}

export interface FetchRequest {
  readonly topic: string;
  /** See `ProduceRequest`. */
  readonly topicId: string | null;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly readCommitted: boolean;
  readonly partitions: readonly {
    readonly partition: number;
    readonly fetchOffset: bigint;
    /** The leader epoch of the record before it; -1: not known. Sent to servers that know topic ids. */
    readonly lastFetchedEpoch: number;
    readonly maxBytes: number;
  }[];
}

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  /** The first offset that still exists; -1: not in the answer. */
  readonly logStartOffset: bigint;
  /** Where the log differs from what was read, because some of it is no longer in the log. `null`: it does not differ. */
  readonly divergingEpoch: EpochEnd | null;
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
  /** Record batches as stored. The last one may be incomplete, and the first one may start before the requested offset. See `FetchedBatches`. */
  readonly batches: Buffer;
}

export interface ListOffsetsRequest {
  readonly topic: string;
  /** `true`: the end is the last stable offset. */
  readonly readCommitted: boolean;
  /** Milliseconds since the epoch, `EARLIEST` or `LATEST`. */
  readonly partitions: readonly { readonly partition: number; readonly timestamp: bigint }[];
}

/** The start of the log, in `ListOffsetsRequest`. */
export const EARLIEST = -2n;
/** The end of the log, in `ListOffsetsRequest`. */
export const LATEST = -1n;

export interface ListedOffset {
  readonly partition: number;
  readonly errorCode: number;
  /** -1: no record is at or after that time. */
  readonly offset: bigint;
  readonly timestamp: bigint;
  /** The leader epoch of the record; for `LATEST`, of the present leader. -1: not in the answer. */
  readonly leaderEpoch: number;
}

export interface EpochEndsRequest {
  readonly topic: string;
  /** Each partition at most once. */
  readonly partitions: readonly { readonly partition: number; readonly leaderEpoch: number }[];
}

/**
 * The end of the newest epoch in the log that is not newer than the requested one. For an epoch that is older than all: the first offset of
 * the log. Both are -1 if the server does not know it.
 */
export interface ListedEpochEnd extends EpochEnd {
  readonly partition: number;
  readonly errorCode: number;
}

export interface GroupMember {
  readonly group: string;
  readonly generation: number;
  readonly memberId: string;
}

export interface JoinGroupRequest {
  readonly group: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Empty in the first join. */
  readonly memberId: string;
  readonly protocolType: string;
  /** In the order of preference. */
  readonly protocols: readonly { readonly name: string; readonly metadata: Uint8Array }[];
}

export interface JoinedGroup {
  readonly generation: number;
  readonly protocol: string;
  readonly leaderId: string;
  readonly memberId: string;
  /** Empty unless this member is the leader. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

export interface SyncGroupRequest extends GroupMember {
  /** Empty unless this member is the leader. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export interface OffsetCommitRequest extends GroupMember {
  readonly topic: string;
  readonly partitions: readonly (LogPlace & { readonly partition: number; readonly metadata: string | null })[];
}

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** -1: none. */
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

export interface DescribedGroup {
  readonly errorCode: number;
  /** `Empty`, `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Dead` (no group has this name). */
  readonly state: string;
  readonly protocolType: string;
  readonly protocol: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly clientId: string;
    readonly metadata: Buffer;
    readonly assignment: Buffer;
  }[];
}

export interface CreateTopicRequest {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly settings: ReadonlyMap<string, string>;
}

/** The server answered a whole request with an error code. */
export class KafkaProtocolError extends Error {
  readonly errorCode: number;
  readonly api: string;
  /** The server's own message, if the answer has one. */
  readonly serverMessage: string | null;
  /** From the answer to a first join (code 79). */
  readonly memberId: string | undefined;

  constructor(api: string, errorCode: number, serverMessage: string | null = null, memberId?: string) {
    super(`${api} was answered with error code ${errorCode}`);
    this.name = "KafkaProtocolError";
    this.errorCode = errorCode;
    this.api = api;
    this.serverMessage = serverMessage;
    this.memberId = memberId;
  }
}

/** A connection failed, or the server stopped answering. The request may have reached the server. `cause` has the reason. */
export class KafkaLostConnectionError extends Error {
  /** `host:port` */
  readonly address: string;

  constructor(address: string, cause: unknown) {
    super(`the connection to ${address} is lost`, { cause });
    this.name = "KafkaLostConnectionError";
    this.address = address;
  }
}

/** A connection could not be opened, so the request was not sent. `cause` has the reason. */
export class KafkaConnectError extends Error {
  /** `host:port`, or a description if there is no address. */
  readonly address: string;
  /** The step that failed. `first-request`: without SASL, the first request that a server answers only to clients that it accepts. */
  readonly step: "connect" | "api-versions" | "authenticate" | "first-request";
  /** This client uses TLS. */
  readonly inTls: boolean;
  /** This client uses plain text, and the server answered in TLS. */
  readonly answeredInTls: boolean;
  /** A TCP connection to the address was made. */
  readonly wasReached: boolean;
  /** This client, or another one of the same driver, had a complete connection to the address before. So the failure is probably temporary. */
  readonly wasReachedBefore: boolean;
  /** The address comes from the cluster, not from the options. */
  isAdvertised = false;
  /** The failures of other addresses that were tried as well. */
  others: readonly KafkaConnectError[] = [];

  constructor(
    address: string,
    step: KafkaConnectError["step"],
    found: Partial<Pick<KafkaConnectError, "inTls" | "answeredInTls" | "wasReached" | "wasReachedBefore">>,
    cause: unknown,
  ) {
    super(`no connection to ${address}`, { cause });
    this.name = "KafkaConnectError";
    this.address = address;
    this.step = step;
    this.inTls = found.inTls ?? false;
    this.answeredInTls = found.answeredInTls ?? false;
    this.wasReached = found.wasReached ?? false;
    this.wasReachedBefore = found.wasReachedBefore ?? false;
  }

  /** Notes that the address comes from the cluster. */
  addressAdvertised(): void {
    this.isAdvertised = true;
  }

  /** Notes the failures of the other addresses. */
  triedOthers(others: readonly KafkaConnectError[]): void {
    this.others = others;
  }
}

/** The server supports none of this client's versions of a request, so the request was not sent. */
export class KafkaUnsupportedError extends Error {
  readonly api: string;

  constructor(api: string, versions: readonly number[]) {
    super(`the server supports ${api} in none of the versions ${versions.join(", ")}`);
    this.name = "KafkaUnsupportedError";
    this.api = api;
  }
}
