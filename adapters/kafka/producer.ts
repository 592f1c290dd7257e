import type {
  CallShape,
  CallSlice,
  Limits,
  OutgoingRecord,
  ProducerDriver,
  PublishCall,
  SliceResult,
  StreamError,
  TopicIdentity,
} from "../../src/driver/index.ts";
import { DEFAULT_MAX_MESSAGE_BYTES, messageBytesWithin } from "./capabilities.ts";
import { classOf, classify, errorOf, kafkaError } from "./errors.ts";
import { KafkaConnectError, KafkaUnsupportedError, type ProducedPartition } from "./kafka-client.ts";
import { murmur2 } from "./murmur2.ts";
import { KeylessTurn } from "./keyless-turn.ts";
import { ProducerSequences, type SequencedBatch } from "./producer-sequences.ts";
import { HEADER_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES, writeBatch } from "./record-batch-writer.ts";
import { StoredSlice, eachStored } from "./receipts.ts";
import type { KafkaService } from "./service.ts";
import { type KnownTopic, requirePartition } from "./topic-directory.ts";
import { abortable } from "./waiting.ts";

/** Of one Produce request; servers take 100 MiB, a request of this size keeps the connection busy for a moment only. */
const MAX_CALL_BYTES = 8 * 1_048_576;
const MAX_CALL_MESSAGES = 16_384;
const CALLS_IN_FLIGHT = 5;
/** How long the leader waits for its replicas. */
const REPLICATION_TIMEOUT_MS = 30_000;
/** Added partitions are noticed after so long at the latest. */
const METADATA_AGE_MS = 300_000;
const NO_SUCH_TOPIC_CODES: readonly number[] = [3, 100];

/** A slice on its way to a partition. */
interface Shipment {
  readonly index: number;
  readonly partition: number;
  readonly slice: CallSlice;
  readonly sequenced: SequencedBatch | null;
  /** Those of the slice that go now. */
  readonly records: readonly OutgoingRecord[];
}

/** Publishes to one topic: one Produce request a broker, with one batch for each of its partitions. */
export class KafkaProducer implements ProducerDriver {
  readonly #service: KafkaService;
  readonly #topicName: string;
  readonly #sequences: ProducerSequences | null;
  readonly #closing = new AbortController();
  readonly #keyless = new KeylessTurn();
  #topic: KnownTopic | undefined;
  /** Names of the partitions, so that a lane costs no new text. */
  #names: readonly string[] = [];
  #messageBytes = messageBytesWithin(DEFAULT_MAX_MESSAGE_BYTES);
  #shape = shapeFor(this.#messageBytes);
  #generation = 0;
  #lookedAtMs = 0;
  #looking: Promise<void> | undefined;

  constructor(service: KafkaService, topic: string) {
    this.#service = service;
    this.#topicName = topic;
    this.#sequences = service.idempotent ? new ProducerSequences(service.client) : null;
  }

  get shape(): CallShape {
    return this.#shape;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    this.#learn(await this.#service.directory.look(this.#topicName, signal));
    this.#messageBytes = messageBytesWithin(await this.#maxMessageBytes(signal));
    this.#shape = shapeFor(this.#messageBytes);
    await this.#sequences?.ready(signal);
  }

  /** The topic's own, where we may see it; else the server's default, and the server refuses what it does not take. */
  async #maxMessageBytes(signal: AbortSignal): Promise<number> {
    try {
      const settings = await this.#service.client.describeTopicConfig(this.#topicName, ["max.message.bytes"], signal);
      return Number(settings.get("max.message.bytes") ?? DEFAULT_MAX_MESSAGE_BYTES);
    } catch (error) {
      const known = classify(error);
      if (signal.aborted || known.retryable) throw error;
      return DEFAULT_MAX_MESSAGE_BYTES;
    }
  }

  #learn(topic: KnownTopic): void {
    const before = this.#topic;
    this.#topic = topic;
    this.#lookedAtMs = performance.now();
    if (before?.topicId === topic.topicId && before.partitions.length === topic.partitions.length) return;
    this.#names = topic.partitions.map(String);
    this.#generation += 1;
  }

  get identity(): TopicIdentity {
    return this.#known().identity;
  }

  get limits(): Limits {
    return { messageBytes: this.#messageBytes, keyBytes: this.#messageBytes, headerBytes: this.#messageBytes };
  }

  get laneGeneration(): number {
    return this.#generation;
  }

  laneOf(key: Uint8Array | null, toPartition: string | undefined): string | null {
    if (toPartition !== undefined) return this.#names[requirePartition(this.#known(), toPartition)]!;
    if (key === null) return null;
    return this.#names[murmur2(key) % this.#names.length]!;
  }

  destinationOf(lane: string | null): string {
    const topic = this.#known();
    return String(topic.leaderOf(lane === null ? this.#keyless.next(topic) : Number(lane)));
  }

  #known(): KnownTopic {
    if (this.#topic === undefined) throw kafkaError("internal", "the producer was used before it was prepared", { topic: this.#topicName });
    return this.#topic;
  }

  async write(call: PublishCall, signal: AbortSignal): Promise<readonly SliceResult[]> {
    if (this.#looking !== undefined) await abortable(this.#looking, signal).catch(() => undefined);
    else if (performance.now() - this.#lookedAtMs > METADATA_AGE_MS) this.#lookAgain();
    const results: SliceResult[] = [];
    let waiting = call.slices.map((slice, index) => ({ slice, index }));
    // A request holds one batch a partition. Slices without a lane can meet another one there; they go right behind it.
    while (waiting.length > 0) waiting = await this.#round(waiting, results, signal);
    return results;
  }

  /** Ships what can go at once. @returns the rest */
  async #round(
    waiting: readonly { readonly slice: CallSlice; readonly index: number }[],
    results: SliceResult[],
    signal: AbortSignal,
  ): Promise<{ slice: CallSlice; index: number }[]> {
    const topic = this.#known();
    const taken = new Set<number>();
    const byLeader = new Map<number, Shipment[]>();
    const rest: { slice: CallSlice; index: number }[] = [];
    // Those with a lane first: they cannot choose.
    const inOrder = waiting.some(({ slice }) => slice.lane === null) ? waiting.toSorted(lanesFirst) : waiting;
    for (const entry of inOrder) {
      const { slice, index } = entry;
      const partition = slice.lane === null ? this.#keyless.take(topic, taken) : Number(slice.lane);
      if (taken.has(partition)) {
        rest.push(entry);
        continue;
      }
      taken.add(partition);
      const shipment = await this.#prepareShipment(index, partition, slice, signal);
      if ("outcome" in shipment) {
        results[index] = shipment;
        continue;
      }
      const leader = topic.leaderOf(partition);
      const together = byLeader.get(leader);
      if (together === undefined) byLeader.set(leader, [shipment]);
      else together.push(shipment);
    }
    await Promise.all([...byLeader].map(([leader, shipments]) => this.#ship(topic, leader, shipments, results, signal)));
    return rest;
  }

  /** Without idempotence everything of the slice, under no number. */
  async #prepareShipment(index: number, partition: number, slice: CallSlice, signal: AbortSignal): Promise<Shipment | SliceResult> {
    const { records } = slice;
    const sequences = this.#sequences;
    if (sequences === null) return { index, partition, slice, sequenced: null, records };
    let sequenced = sequences.next(partition, records);
    if (sequenced === null) {
      try {
        sequences.forget();
        await sequences.ready(signal);
        sequenced = sequences.next(partition, records);
      } catch (error) {
        return notSent(classify(error));
      }
    }
    if (sequenced === null) return notSent(kafkaError("unavailable", "the producer has no id at present"));
    return {
      index,
      partition,
      slice,
      sequenced,
      records: sequenced.count === records.length ? records : records.slice(0, sequenced.count),
    };
  }

  async #ship(
    topic: KnownTopic,
    leader: number,
    shipments: readonly Shipment[],
    results: SliceResult[],
    signal: AbortSignal,
  ): Promise<void> {
    const settle = (result: (shipment: Shipment) => SliceResult): void => {
      for (const shipment of shipments) results[shipment.index] = result(shipment);
    };
    if (leader < 0) {
      this.#lookAgain();
      settle(() => notSent(kafkaError("unavailable", "the partition has no leader at present", { topic: topic.topic })));
      return;
    }
    const { client, compression } = this.#service;
    const nowMs = Date.now();
    try {
      const partitions = [];
      for (const { partition, records, sequenced } of shipments) {
        const batch = writeBatch(records, nowMs, compression, sequenced?.sequence ?? null);
        partitions.push({ partition, batch: [batch instanceof Promise ? await batch : batch] });
      }
      const { topicId } = topic;
      const produced = await client.produce(leader, { topic: topic.topic, topicId, timeoutMs: REPLICATION_TIMEOUT_MS, partitions }, signal);
      settle((shipment) => this.#resultOf(shipment, produced, nowMs));
    } catch (error) {
      const known = classify(error);
      this.#lookAgain();
      if (error instanceof KafkaConnectError || error instanceof KafkaUnsupportedError || known.code === "configuration") {
        settle(() => notSent(known));
        return;
      }
      settle(({ sequenced }) => {
        sequenced?.mayBeStored();
        return { outcome: "unknown", error: known };
      });
    }
  }

  #resultOf(shipment: Shipment, produced: readonly ProducedPartition[], nowMs: number): SliceResult {
    const { partition, sequenced, records, slice } = shipment;
    const answer = produced.find((one) => one.partition === partition);
    if (answer === undefined) {
      sequenced?.mayBeStored();
      return { outcome: "unknown", error: kafkaError("unavailable", "the server's answer leaves the partition out") };
    }
    const { errorCode } = answer;
    if (errorCode === 0) {
      sequenced?.stored();
      return storedResult(this.#names[partition] ?? String(partition), answer, records, slice.records, nowMs);
    }
    const error = errorOf(errorCode, "Produce", { topic: this.#topicName, partition: String(partition) });
    switch (classOf(errorCode)) {
      case "stored":
        // So long ago that the server does not tell any more where.
        sequenced?.stored();
        return { outcome: "stored", partition: String(partition), timestampMs: null, positionOf: () => null };
      case "unknown":
        sequenced?.mayBeStored();
        return { outcome: "unknown", error };
      case "fenced":
        this.#sequences?.forget();
        return notSent(error);
      case "retry":
        return notSent(error);
      case "refresh":
        this.#lookAgain();
        // Whether the topic is really gone the look says, and the next call with it.
        return NO_SUCH_TOPIC_CODES.includes(errorCode) ? this.#missing(error) : notSent(error);
      case "fail":
        return { outcome: "refused", error };
    }
  }

  #goneFor: StreamError | undefined;

  /** The leader does not know the partition: on the move, or the topic is gone. */
  #missing(error: StreamError): SliceResult {
    if (this.#goneFor !== undefined) return { outcome: "refused", error: this.#goneFor };
    return notSent(
      kafkaError("unavailable", "the broker does not know the partition at present", { topic: this.#topicName, cause: error }),
    );
  }

  /** In the background; the next call waits for it. */
  #lookAgain(): void {
    this.#looking ??= this.#service.directory
      .look(this.#topicName, this.#closing.signal)
      .then(
        (topic) => {
          this.#goneFor = undefined;
          this.#learn(topic);
        },
        (error: unknown) => {
          // What cannot be looked up now is looked up when it is needed again; only that the topic is gone is remembered.
          const known = classify(error);
          this.#goneFor = known.code === "not-found" ? known : undefined;
        },
      )
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
}

function lanesFirst(a: { readonly slice: CallSlice }, b: { readonly slice: CallSlice }): number {
  return Number(a.slice.lane === null) - Number(b.slice.lane === null);
}

function notSent(error: StreamError): SliceResult {
  return error.retryable ? { outcome: "retryable", error } : { outcome: "refused", error };
}

function storedResult(
  partition: string,
  { baseOffset, logAppendTimeMs }: ProducedPartition,
  sent: readonly OutgoingRecord[],
  all: readonly OutgoingRecord[],
  nowMs: number,
): SliceResult {
  const isPartly = sent.length < all.length;
  const hasOwnTimes = logAppendTimeMs < 0 && sent.some(({ timestampMs }) => timestampMs !== null);
  if (!isPartly && !hasOwnTimes) return new StoredSlice(partition, logAppendTimeMs < 0 ? nowMs : logAppendTimeMs, baseOffset);
  const later = kafkaError("unavailable", "a batch of unknown outcome has been repeated first");
  return eachStored(partition, baseOffset, sent, all.length, logAppendTimeMs < 0 ? nowMs : logAppendTimeMs, hasOwnTimes, later);
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
