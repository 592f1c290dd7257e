import type {
  CallShape,
  CallSlice,
  Capabilities,
  Limits,
  ProducerDriver,
  PublishCall,
  SliceResult,
  TopicIdentity,
} from "../../src/driver/index.ts";
import { NARROWING_SETTINGS, hasAppendTime, messageBytesOf, narrowed } from "./capabilities.ts";
import { classify } from "./errors.ts";
import { HEADER_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES } from "./log/record-batch-writer.ts";
import { KeylessPartitioner } from "./produce/keyless-partitioner.ts";
import { type PartitionBatch, ProduceRequests } from "./produce/produce-requests.ts";
import { ProducerSequences } from "./produce/producer-sequences.ts";
import { ProducerTopic } from "./produce/producer-topic.ts";
import type { KafkaService } from "./service.ts";

/** The limit of one Produce request. Servers accept 100 MiB, but a request of this size occupies the connection only briefly. */
const MAX_CALL_BYTES = 8 * 1_048_576;
const MAX_CALL_MESSAGES = 16_384;
const CALLS_IN_FLIGHT = 5;
const NOT_PREPARED = { messageBytes: messageBytesOf(new Map()), hasTopicId: true, hasClusterId: true, hasAppendTime: false };

interface WaitingSlice {
  readonly slice: CallSlice;
  readonly index: number;
}

/** Publishes to one topic. A lane is a partition, and a destination is the broker that leads it. */
export class KafkaProducer implements ProducerDriver {
  readonly #service: KafkaService;
  readonly #topicName: string;
  readonly #topic: ProducerTopic;
  readonly #sequences: ProducerSequences | null;
  readonly #requests: ProduceRequests;
  readonly #keyless = new KeylessPartitioner();
  #capabilities = narrowed(NOT_PREPARED);
  #shape = shapeFor(this.#capabilities.limits.messageBytes);

  constructor(service: KafkaService, topic: string) {
    this.#service = service;
    this.#topicName = topic;
    this.#topic = new ProducerTopic(service.directory, topic);
    this.#sequences = service.idempotent ? new ProducerSequences(service.client) : null;
    this.#requests = new ProduceRequests(service, this.#topic, this.#sequences);
  }

  get shape(): CallShape {
    return this.#shape;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    await this.#topic.fetch(signal);
    const settings = await this.#settings(signal);
    const messageBytes = messageBytesOf(settings);
    this.#topic.timestampsKnown(hasAppendTime(settings));
    this.#capabilities = narrowed({
      messageBytes,
      hasTopicId: this.#topic.known.topicId !== null,
      hasClusterId: this.#topic.known.clusterId !== null,
      hasAppendTime: this.#topic.hasAppendTime,
    });
    this.#shape = shapeFor(messageBytes);
    await this.#sequences?.renew(signal);
  }

  /** Empty without the permission to see them. Then the server refuses too large messages, and its answers show whose timestamps are stored. */
  async #settings(signal: AbortSignal): Promise<ReadonlyMap<string, string | null>> {
    try {
      return await this.#service.client.describeTopicConfig(this.#topicName, NARROWING_SETTINGS, signal);
    } catch (error) {
      if (signal.aborted || classify(error).retryable) throw error;
      return new Map();
    }
  }

  get identity(): TopicIdentity {
    return this.#topic.known.identity;
  }

  get limits(): Limits {
    return this.#capabilities.limits;
  }

  /** They change when an answer of the server shows that the topic stores other timestamps than was known. */
  get capabilities(): Capabilities {
    const producerTimestamps = !this.#topic.hasAppendTime;
    if (this.#capabilities.producerTimestamps !== producerTimestamps) this.#capabilities = { ...this.#capabilities, producerTimestamps };
    return this.#capabilities;
  }

  get laneGeneration(): number {
    return this.#topic.generation;
  }

  laneOf(key: Uint8Array | null, toPartition: string | undefined): string | null {
    return this.#topic.laneOf(key, toPartition);
  }

  destinationOf(lane: string | null): string {
    const { known } = this.#topic;
    return String(known.leaderOf(lane === null ? this.#keyless.next(known) : Number(lane)));
  }

  async write(call: PublishCall, signal: AbortSignal): Promise<readonly SliceResult[]> {
    await this.#topic.settled(signal);
    const results: SliceResult[] = [];
    let waiting: WaitingSlice[] = call.slices.map((slice, index) => ({ slice, index }));
    // A request holds one batch for each partition. If a slice without a lane gets the partition of another slice, it goes into the next request.
    while (waiting.length > 0) {
      const { batches, later } = this.#assignPartitions(waiting);
      await this.#requests.send(batches, results, signal);
      waiting = later;
    }
    return results;
  }

  /** Assigns slices to partitions. A slice whose partition is already taken is sent later. */
  #assignPartitions(waiting: readonly WaitingSlice[]): { readonly batches: PartitionBatch[]; readonly later: WaitingSlice[] } {
    const taken = new Set<number>();
    const batches: PartitionBatch[] = [];
    const later: WaitingSlice[] = [];
    // Slices with a lane come first, because their partition is fixed.
    const inOrder = waiting.some(({ slice }) => slice.lane === null) ? waiting.toSorted(lanesFirst) : waiting;
    for (const entry of inOrder) {
      const { slice, index } = entry;
      const partition = slice.lane === null ? this.#partitionFor(slice, taken) : Number(slice.lane);
      if (taken.has(partition)) later.push(entry);
      else {
        taken.add(partition);
        batches.push({ index, partition, slice });
      }
    }
    return { batches, later };
  }

  /** The partition of records without a lane: the one where they may be stored already, else the next one with a free sequence. */
  #partitionFor({ records }: CallSlice, taken: ReadonlySet<number>): number {
    const sequences = this.#sequences;
    const { known } = this.#topic;
    if (sequences === null) return this.#keyless.take(known, (partition) => !taken.has(partition));
    const isFree = (partition: number): boolean =>
      !taken.has(partition) && !sequences.isBusy(partition) && !sequences.awaitsOthers(partition, records);
    return sequences.partitionOf(records) ?? this.#keyless.take(known, isFree);
  }

  async close(): Promise<void> {
    this.#topic.close();
  }
}

function lanesFirst(a: WaitingSlice, b: WaitingSlice): number {
  return Number(a.slice.lane === null) - Number(b.slice.lane === null);
}

function shapeFor(messageBytes: number): CallShape {
  return {
    lane: "partition",
    lanesPerCall: "many",
    maxLaneMessages: MAX_CALL_MESSAGES,
    maxLaneBytes: messageBytes,
    maxCallMessages: MAX_CALL_MESSAGES,
    maxCallBytes: MAX_CALL_BYTES,
    maxCallsInFlight: CALLS_IN_FLIGHT,
    recordOverheadBytes: RECORD_OVERHEAD_BYTES,
    headerOverheadBytes: HEADER_OVERHEAD_BYTES,
  };
}
