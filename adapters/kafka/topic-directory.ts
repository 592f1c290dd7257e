import { abortable, startPlaces as askedPlaces } from "../../src/adapter-kit/index.ts";
import type { PartitionPlace, Place, StartPoint, StreamError, TopicIdentity } from "../../src/driver/index.ts";
import { ErrorNumber } from "./client/error-codes.ts";
import type { ClusterMetadata, KafkaClient, TopicMetadata } from "./client/kafka-client.ts";
import { KAFKA_ERRORS, errorOf, kafkaError, topicNotFound } from "./errors.ts";

/** A topic as the cluster described it at one moment. */
export interface TopicSnapshot {
  readonly topic: string;
  /** `null`: the server has no topic ids. */
  readonly topicId: string | null;
  /** `null`: the server has no cluster id. */
  readonly clusterId: string | null;
  readonly identity: TopicIdentity;
  /** Numbers of the partitions, ascending. */
  readonly partitions: readonly number[];
  /** -1: the partition has no leader at present. */
  readonly leaderOf: (partition: number) => number;
}

/** Looks up topics. A driver has one directory. */
export class TopicDirectory {
  readonly #client: KafkaClient;
  readonly #requests = new Map<string, Promise<TopicSnapshot>>();

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** Asks the cluster. Concurrent calls for the same topic share one request. @throws `not-found` */
  fetch(topic: string, signal: AbortSignal): Promise<TopicSnapshot> {
    let request = this.#requests.get(topic);
    if (request === undefined) {
      // Several callers may share the request, so no caller's signal aborts it. It ends by itself, or with the client.
      request = this.#request(topic, new AbortController().signal).finally(() => this.#requests.delete(topic));
      this.#requests.set(topic, request);
    }
    return abortable(request, signal);
  }

  async #request(topic: string, signal: AbortSignal): Promise<TopicSnapshot> {
    const metadata = await this.#client.metadata([topic], signal);
    const found = metadata.topics.find((described) => described.topic === topic);
    if (found === undefined || found.errorCode === ErrorNumber.UNKNOWN_TOPIC_OR_PARTITION) throw topicNotFound(topic);
    if (found.errorCode !== 0 && found.errorCode !== ErrorNumber.LEADER_NOT_AVAILABLE)
      throw errorOf(found.errorCode, "Metadata", { topic });
    if (found.partitions.length === 0) throw kafkaError("unavailable", "the cluster does not know the partitions yet", { topic });
    return toSnapshot(found, metadata);
  }
}

function toSnapshot({ topic, topicId, partitions }: TopicMetadata, { clusterId }: ClusterMetadata): TopicSnapshot {
  const leaders = new Map(partitions.map(({ partition, leaderId }) => [partition, leaderId]));
  return {
    topic,
    topicId,
    clusterId,
    identity: { cluster: clusterId ?? "", topic, incarnation: topicId ?? "" },
    partitions: partitions.map(({ partition }) => partition),
    leaderOf: (partition) => leaders.get(partition) ?? -1,
  };
}

/** `null`: no partition can have this name. */
export function partitionNumber(name: string): number | null {
  return /^(?:0|[1-9]\d{0,9})$/.test(name) ? Number(name) : null;
}

/** The message names the partitions that exist. */
export function noSuchPartition({ topic, partitions }: TopicSnapshot, name: string): StreamError {
  return KAFKA_ERRORS.noSuchPartition(topic, name, partitions.map(String));
}

/** @throws `invalid-argument` for a partition that does not exist; the message names those that do */
export function requirePartition(topic: TopicSnapshot, name: string): number {
  const partition = partitionNumber(name);
  if (partition !== null && topic.partitions.includes(partition)) return partition;
  throw noSuchPartition(topic, name);
}

/** The start of each partition of the topic. @throws `invalid-argument` for a partition that does not exist */
export function startPlaces(topic: TopicSnapshot, start: StartPoint): Map<number, Place> {
  const partitions = topic.partitions.map((partition) => ({ partition: String(partition), parents: [] }));
  return listedPlaces(topic, askedPlaces({ topic: topic.topic, partitions }, start, KAFKA_ERRORS));
}

/**
 * The places by partition. Partitions of Kafka never end, so `ended` means the end of the log.
 * @throws `invalid-argument` for a partition that does not exist
 */
export function listedPlaces(topic: TopicSnapshot, places: ReadonlyMap<string, PartitionPlace>): Map<number, Place> {
  return new Map([...places].map(([name, place]) => [requirePartition(topic, name), place.kind === "ended" ? { kind: "latest" } : place]));
}
