import { abortable } from "../../../src/adapter-kit/index.ts";
import type { Report } from "../../../src/driver/index.ts";
import { alterConfigApi, createPartitionsApi, createTopicApi, deleteRecordsApi, deleteTopicApi, describeConfigApi } from "./admin-apis.ts";
import type { Api } from "./api.ts";
import type { ClientSettings } from "./client-settings.ts";
import { ANY_BROKER, ClusterAddresses, Connections } from "./connections.ts";
import { fetchApi } from "./fetch-api.ts";
import {
  deleteGroupApi,
  describeGroupApi,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  listGroupsApi,
  syncGroupApi,
} from "./group-apis.ts";
import type {
  ClusterMetadata,
  CommittedOffset,
  CreateTopicRequest,
  DescribedGroup,
  EpochEndsRequest,
  FetchRequest,
  FetchedPartition,
  GroupMember,
  JoinGroupRequest,
  JoinedGroup,
  KafkaClient,
  ListOffsetsRequest,
  ListedEpochEnd,
  ListedOffset,
  OffsetCommitRequest,
  PartitionResult,
  ProduceRequest,
  ProducedPartition,
  ProducerIdentity,
  SyncGroupRequest,
  TopicPartitions,
} from "./kafka-client.ts";
import { metadataApi } from "./metadata-api.ts";
import { epochEndsApi, initProducerIdApi, listOffsetsApi, offsetCommitApi, offsetDeleteApi, offsetFetchApi } from "./offset-apis.ts";
import { groupOperationsApi, topicOperationsApi } from "./operations-apis.ts";
import { produceApi } from "./produce-api.ts";

/** The part of the request time-out that the server may wait for its replicas. */
const REPLICATION_SHARE = 0.9;

/** Makes no network call. kafkajs is loaded at the first request. */
export function createKafkaClient(settings: ClientSettings, report: Report): KafkaClient {
  return new KafkaJsClient(new ClusterAddresses(settings, report));
}

class KafkaJsClient implements KafkaClient {
  readonly #cluster: ClusterAddresses;
  readonly #connections: Connections;
  readonly #dedicated = new Set<KafkaJsClient>();

  constructor(cluster: ClusterAddresses) {
    this.#cluster = cluster;
    this.#connections = new Connections(cluster);
  }

  dedicated(): KafkaClient {
    const client = new KafkaJsClient(this.#cluster);
    this.#dedicated.add(client);
    return client;
  }

  async #call<Request, Answer>(brokerId: number, api: Api<Request, Answer>, request: Request, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    return abortable(this.#send(brokerId, api, request), signal);
  }

  async #send<Request, Answer>(brokerId: number, api: Api<Request, Answer>, request: Request): Promise<Answer> {
    const connection = await this.#connections.of(brokerId, api.purpose);
    return connection.call(api, request);
  }

  async metadata(topics: readonly string[] | null, signal: AbortSignal): Promise<ClusterMetadata> {
    const metadata = await this.#call(ANY_BROKER, metadataApi, topics, signal);
    this.#cluster.addBrokers(metadata.brokers);
    return metadata;
  }

  async reach(brokerId: number, signal: AbortSignal): Promise<void> {
    await abortable(this.#connections.of(brokerId, "other"), signal);
  }

  produce(brokerId: number, request: ProduceRequest, signal: AbortSignal): Promise<readonly ProducedPartition[]> {
    // The server should answer before the request times out, even if its replicas do not confirm. Otherwise its connection would count as lost.
    const timeoutMs = Math.min(request.timeoutMs, Math.ceil(this.#cluster.settings.requestTimeoutMs * REPLICATION_SHARE));
    return this.#call(brokerId, produceApi, { ...request, timeoutMs }, signal);
  }

  fetch(brokerId: number, request: FetchRequest, signal: AbortSignal): Promise<readonly FetchedPartition[]> {
    return this.#call(brokerId, fetchApi, request, signal);
  }

  listOffsets(brokerId: number, request: ListOffsetsRequest, signal: AbortSignal): Promise<readonly ListedOffset[]> {
    return this.#call(brokerId, listOffsetsApi, request, signal);
  }

  epochEnds(brokerId: number, request: EpochEndsRequest, signal: AbortSignal): Promise<readonly ListedEpochEnd[]> {
    return this.#call(brokerId, epochEndsApi, request, signal);
  }

  initProducerId(signal: AbortSignal): Promise<ProducerIdentity> {
    return this.#call(ANY_BROKER, initProducerIdApi, null, signal);
  }

  async findCoordinator(group: string, signal: AbortSignal): Promise<number> {
    const address = await this.#call(ANY_BROKER, findCoordinatorApi, group, signal);
    this.#cluster.addBrokers([address]);
    return address.brokerId;
  }

  joinGroup(brokerId: number, request: JoinGroupRequest, signal: AbortSignal): Promise<JoinedGroup> {
    return this.#call(brokerId, joinGroupApi, request, signal);
  }

  syncGroup(brokerId: number, request: SyncGroupRequest, signal: AbortSignal): Promise<Buffer> {
    return this.#call(brokerId, syncGroupApi, request, signal);
  }

  heartbeat(brokerId: number, member: GroupMember, signal: AbortSignal): Promise<void> {
    return this.#call(brokerId, heartbeatApi, member, signal);
  }

  leaveGroup(brokerId: number, member: Pick<GroupMember, "group" | "memberId">, signal: AbortSignal): Promise<void> {
    return this.#call(brokerId, leaveGroupApi, member, signal);
  }

  offsetCommit(brokerId: number, request: OffsetCommitRequest, signal: AbortSignal): Promise<readonly PartitionResult[]> {
    return this.#call(brokerId, offsetCommitApi, request, signal);
  }

  offsetFetch(
    brokerId: number,
    group: string,
    topics: readonly TopicPartitions[] | null,
    signal: AbortSignal,
  ): Promise<readonly CommittedOffset[]> {
    return this.#call(brokerId, offsetFetchApi, { group, topics }, signal);
  }

  offsetDelete(
    brokerId: number,
    group: string,
    topics: readonly TopicPartitions[],
    signal: AbortSignal,
  ): Promise<readonly PartitionResult[]> {
    return this.#call(brokerId, offsetDeleteApi, { group, topics }, signal);
  }

  describeGroup(brokerId: number, group: string, signal: AbortSignal): Promise<DescribedGroup> {
    return this.#call(brokerId, describeGroupApi, group, signal);
  }

  topicOperations(topic: string, signal: AbortSignal): ReturnType<KafkaClient["topicOperations"]> {
    return this.#call(ANY_BROKER, topicOperationsApi, topic, signal);
  }

  groupOperations(brokerId: number, group: string, signal: AbortSignal): ReturnType<KafkaClient["groupOperations"]> {
    return this.#call(brokerId, groupOperationsApi, group, signal);
  }

  listGroups(brokerId: number, signal: AbortSignal): Promise<readonly { readonly group: string; readonly protocolType: string }[]> {
    return this.#call(brokerId, listGroupsApi, null, signal);
  }

  deleteGroup(brokerId: number, group: string, signal: AbortSignal): Promise<void> {
    return this.#call(brokerId, deleteGroupApi, group, signal);
  }

  createTopic(brokerId: number, request: CreateTopicRequest, signal: AbortSignal): Promise<void> {
    return this.#call(brokerId, createTopicApi, request, signal);
  }

  createPartitions(brokerId: number, topic: string, count: number, signal: AbortSignal): Promise<void> {
    return this.#call(brokerId, createPartitionsApi, { topic, count }, signal);
  }

  deleteTopic(brokerId: number, topic: string, signal: AbortSignal): Promise<void> {
    return this.#call(brokerId, deleteTopicApi, topic, signal);
  }

  describeTopicConfig(topic: string, names: readonly string[] | null, signal: AbortSignal): Promise<ReadonlyMap<string, string | null>> {
    return this.#call(ANY_BROKER, describeConfigApi, { topic, names }, signal);
  }

  alterTopicConfig(brokerId: number, topic: string, settings: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    return this.#call(brokerId, alterConfigApi, { topic, settings }, signal);
  }

  deleteRecords(brokerId: number, topic: string, partition: number, offset: bigint, signal: AbortSignal): Promise<void> {
    return this.#call(brokerId, deleteRecordsApi, { topic, partition, offset }, signal);
  }

  async close(): Promise<void> {
    await Promise.all([this.#connections.close(), ...[...this.#dedicated].map((client) => client.close())]);
    this.#dedicated.clear();
  }
}
