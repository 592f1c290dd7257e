import type { EpochEnd, LogPlace } from "../fetch/read-epochs.ts";

/**
 * The small Kafka client that this adapter is written against: one method a request of the protocol, nothing cleverer.
 * `client/` makes one out of kafkajs's connections; another client can take its place behind these types.
 *
 * - Every call is one request to one broker. Nothing is retried, nothing is cached (except addresses and versions of brokers).
 * - What concerns a whole request is thrown: `KafkaProtocolError` for an error code of the server, the client's own errors for
 *   a broken connection or a missing answer. What concerns one partition, topic or group of a request is an `errorCode` in
 *   its result, 0 for none. `errors.ts` translates both.
 * - When `signal` aborts, the call rejects with its reason at once; the request may have left.
 * - A server answers one connection in order, so that a long poll or a join holds up what stands behind it. Produce, Fetch, what a
 *   group member sends, and all the rest travel on four connections a broker; `dedicated()` gives a client that shares nothing but settings.
 */
export interface KafkaClient {
  /** With connections of its own; the one who asked closes it. It is closed with this one as well. */
  dedicated(): KafkaClient;
  /** `null`: all topics. Asks any broker. Never creates a topic. */
  metadata(topics: readonly string[] | null, signal: AbortSignal): Promise<ClusterMetadata>;
  /** Opens a connection to the broker where there is none. @throws what keeps it from being opened */
  reach(brokerId: number, signal: AbortSignal): Promise<void>;
  produce(brokerId: number, request: ProduceRequest, signal: AbortSignal): Promise<readonly ProducedPartition[]>;
  /** Long poll: answers when there is something, or after `maxWaitMs`. */
  fetch(brokerId: number, request: FetchRequest, signal: AbortSignal): Promise<readonly FetchedPartition[]>;
  listOffsets(brokerId: number, request: ListOffsetsRequest, signal: AbortSignal): Promise<readonly ListedOffset[]>;
  /** Of an idempotent producer. */
  initProducerId(signal: AbortSignal): Promise<ProducerIdentity>;

  /** Which broker looks after a group. It need not be ready for it yet (15), nor stay it (16). */
  findCoordinator(group: string, signal: AbortSignal): Promise<number>;
  /** Waits for all members, so up to the rebalance time-out. The first join of a member throws code 79 with `memberId`: join again with it. */
  joinGroup(brokerId: number, request: JoinGroupRequest, signal: AbortSignal): Promise<JoinedGroup>;
  /** Waits for the leader's assignments. Answers this member's own; empty where it has none. */
  syncGroup(brokerId: number, request: SyncGroupRequest, signal: AbortSignal): Promise<Buffer>;
  heartbeat(brokerId: number, member: GroupMember, signal: AbortSignal): Promise<void>;
  leaveGroup(brokerId: number, member: Pick<GroupMember, "group" | "memberId">, signal: AbortSignal): Promise<void>;
  /** Without membership: `generation: -1` and an empty `memberId`, accepted while the group has no members. */
  offsetCommit(brokerId: number, request: OffsetCommitRequest, signal: AbortSignal): Promise<readonly PartitionResult[]>;
  /** `topics: null`: all that the group has. An offset of -1: none is committed. */
  offsetFetch(
    brokerId: number,
    group: string,
    topics: readonly TopicPartitions[] | null,
    signal: AbortSignal,
  ): Promise<readonly CommittedOffset[]>;
  /** Takes committed offsets of a group away. */
  offsetDelete(
    brokerId: number,
    group: string,
    topics: readonly TopicPartitions[],
    signal: AbortSignal,
  ): Promise<readonly PartitionResult[]>;
  describeGroup(brokerId: number, group: string, signal: AbortSignal): Promise<DescribedGroup>;
  /** What we may do on the topic and on the cluster. Any broker. */
  topicOperations(
    topic: string,
    signal: AbortSignal,
  ): Promise<{ readonly errorCode: number; readonly topic: AllowedOperations; readonly cluster: AllowedOperations }>;
  /** What we may do on the group, which need not exist. */
  groupOperations(
    brokerId: number,
    group: string,
    signal: AbortSignal,
  ): Promise<{ readonly errorCode: number; readonly group: AllowedOperations }>;
  /** Those that this broker looks after. */
  listGroups(brokerId: number, signal: AbortSignal): Promise<readonly { readonly group: string; readonly protocolType: string }[]>;
  deleteGroup(brokerId: number, group: string, signal: AbortSignal): Promise<void>;

  /** To the controller. `partitions` or `replicationFactor` of -1: the server's own. */
  createTopic(brokerId: number, request: CreateTopicRequest, signal: AbortSignal): Promise<void>;
  /** To the controller. `count`: how many there shall be. */
  createPartitions(brokerId: number, topic: string, count: number, signal: AbortSignal): Promise<void>;
  /** To the controller. */
  deleteTopic(brokerId: number, topic: string, signal: AbortSignal): Promise<void>;
  /** Any broker: -1. `names: null`: all. */
  describeTopicConfig(topic: string, names: readonly string[] | null, signal: AbortSignal): Promise<ReadonlyMap<string, string | null>>;
  /** Sets the given settings, leaves the others. */
  alterTopicConfig(brokerId: number, topic: string, settings: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void>;
  /** Drops everything before `offset`, which becomes the low watermark. */
  deleteRecords(brokerId: number, topic: string, partition: number, offset: bigint, signal: AbortSignal): Promise<void>;

  /** Ends all connections; what waits for an answer is rejected. Never rejects. */
  close(): Promise<void>;
}

/** A set of Kafka's `AclOperation`: the bit of each is its number. `null`: the server does not tell. */
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
  /** A UUID as 32 hexadecimal digits; `null` where the server is too old to tell. */
  readonly topicId: string | null;
  readonly isInternal: boolean;
  /** In the order of their numbers. */
  readonly partitions: readonly PartitionMetadata[];
}

interface PartitionMetadata {
  readonly errorCode: number;
  readonly partition: number;
  /** -1: there is none at present. */
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

/** `acks` are always those of all in-sync replicas. */
export interface ProduceRequest {
  readonly topic: string;
  /** With it a server that knows topic ids refuses a re-created topic of the same name (code 100). */
  readonly topicId: string | null;
  /** How long the server waits for its replicas. */
  readonly timeoutMs: number;
  /** Each partition at most once. */
  readonly partitions: readonly {
    readonly partition: number;
    /** One record batch, in one piece or several that follow each other. */
    readonly batch: readonly Uint8Array[];
  }[];
}

export interface ProducedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: bigint;
  /** -1: the records' own timestamps hold. */
  readonly logAppendTimeMs: number;
}

export interface FetchRequest {
  readonly topic: string;
  /** As in `ProduceRequest`. */
  readonly topicId: string | null;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly readCommitted: boolean;
  readonly partitions: readonly {
    readonly partition: number;
    readonly fetchOffset: bigint;
    /** Of the record before it, as far as it is known; told to servers that know topic ids. */
    readonly lastFetchedEpoch: number;
    readonly maxBytes: number;
  }[];
}

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  /** First offset that still exists; -1: not told. */
  readonly logStartOffset: bigint;
  /** What was read is not all in the log any more: here the two part. `null`: they do not. */
  readonly divergingEpoch: EpochEnd | null;
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
  /** Record batches as stored; the last may be cut, the first may begin before the asked offset. See `FetchedBatches`. */
  readonly batches: Buffer;
}

export interface ListOffsetsRequest {
  readonly topic: string;
  /** Then the end is the last stable offset. */
  readonly readCommitted: boolean;
  /** Milliseconds since the epoch, `EARLIEST` or `LATEST`. */
  readonly partitions: readonly { readonly partition: number; readonly timestamp: bigint }[];
}

/** In `ListOffsetsRequest`. */
export const EARLIEST = -2n;
/** In `ListOffsetsRequest`. */
export const LATEST = -1n;

export interface ListedOffset {
  readonly partition: number;
  readonly errorCode: number;
  /** -1: there is no record at or after that time. */
  readonly offset: bigint;
  readonly timestamp: bigint;
  /** Of the record; for `LATEST`, of the leader at present. -1: not told. */
  readonly leaderEpoch: number;
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
  /** Empty at first. */
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
  /** Only the leader gets them. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

export interface SyncGroupRequest extends GroupMember {
  /** Only the leader sends them. */
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
  /** `Empty`, `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Dead` (there is none of this name). */
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

/** An error code of the server for a whole request. */
export class KafkaProtocolError extends Error {
  readonly errorCode: number;
  readonly api: string;
  /** What the server said beside the code, where it did. */
  readonly serverMessage: string | null;
  /** Of a first join (79). */
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

/** A connection broke, or its server fell silent: the request may have reached it. `cause` says how. */
export class KafkaLostConnectionError extends Error {
  /** `host:port` */
  readonly address: string;

  constructor(address: string, cause: unknown) {
    super(`the connection to ${address} is lost`, { cause });
    this.name = "KafkaLostConnectionError";
    this.address = address;
  }
}

/** A connection could not be opened: the request has not left. `cause` says why. */
export class KafkaConnectError extends Error {
  /** `host:port`, or what there is in its place. */
  readonly address: string;
  /** How far it came. `first-request`: without SASL, the first request that a server would answer to those only whom it lets in. */
  readonly step: "connect" | "api-versions" | "authenticate" | "first-request";
  /** We speak TLS. */
  readonly inTls: boolean;
  /** We speak plain text and the server answered in TLS. */
  readonly answeredInTls: boolean;
  /** Somebody listens at the address. */
  readonly wasReached: boolean;
  /** This client, or another of the same driver, has had a complete connection to the address: what fails now may well pass. */
  readonly wasReachedBefore: boolean;
  /** The cluster has given this address; the application has not. */
  isAdvertised = false;
  /** Other addresses that were tried as well, each with its own cause. */
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
}

/** The server has none of the versions of a request that this client knows: the request has not left. */
export class KafkaUnsupportedError extends Error {
  readonly api: string;

  constructor(api: string, versions: readonly number[]) {
    super(`the server does not know ${api} in any of the versions ${versions.join(", ")}`);
    this.name = "KafkaUnsupportedError";
    this.api = api;
  }
}
