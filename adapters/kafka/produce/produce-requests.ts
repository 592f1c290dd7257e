import { StoredSlice, eachStored, notStored } from "../../../src/adapter-kit/index.ts";
import type { CallSlice, OutgoingRecord, RecordResult, SliceResult, StreamError } from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { KafkaConnectError, KafkaUnsupportedError, type ProducedPartition } from "../client/kafka-client.ts";
import { classOf, classify, errorOf, kafkaError } from "../errors.ts";
import { writeBatch } from "../log/record-batch-writer.ts";
import { positionAt } from "../records.ts";
import type { KafkaService } from "../service.ts";
import { noSuchPartition } from "../topic-directory.ts";
import type { ProducerSequences, SequencedBatch } from "./producer-sequences.ts";
import type { ProducerTopic } from "./producer-topic.ts";

/** The time that the leader waits for its replicas. */
const REPLICATION_TIMEOUT_MS = 30_000;
const NO_SUCH_TOPIC_CODES: readonly number[] = [ErrorNumber.UNKNOWN_TOPIC_OR_PARTITION, ErrorNumber.UNKNOWN_TOPIC_ID];
/**
 * A leader also answers with these codes to requests that wait for replicas. It has appended the batch, and loses the leadership (as at
 * every orderly stop) before the replicas confirm. Seen on Kafka 4.1.
 */
const MAY_HAVE_APPENDED_CODES: readonly number[] = [ErrorNumber.NOT_LEADER_OR_FOLLOWER, ErrorNumber.KAFKA_STORAGE_ERROR];

/** A slice for one partition. */
export interface PartitionBatch {
  /** The index of the slice in its call. */
  readonly index: number;
  readonly partition: number;
  readonly slice: CallSlice;
}

/** With the records to send now and their sequence numbers. */
interface NumberedBatch extends PartitionBatch {
  readonly records: readonly OutgoingRecord[];
  readonly sequenced: SequencedBatch | null;
}

/** Sends batches and reports their results. Each broker gets one request, with one batch for each of its partitions. */
export class ProduceRequests {
  readonly #service: KafkaService;
  readonly #topic: ProducerTopic;
  readonly #sequences: ProducerSequences | null;

  constructor(service: KafkaService, topic: ProducerTopic, sequences: ProducerSequences | null) {
    this.#service = service;
    this.#topic = topic;
    this.#sequences = sequences;
  }

  /** Each partition at most once. Puts each result into `results`, at the index of the slice. Never rejects. */
  async send(batches: readonly PartitionBatch[], results: SliceResult[], signal: AbortSignal): Promise<void> {
    const sequences = this.#sequences;
    if (sequences === null) {
      const whole = batches.map((batch) => ({ ...batch, records: batch.slice.records, sequenced: null }));
      await this.#sendByLeader(whole, results, signal);
      return;
    }
    const partitions = batches.map(({ partition }) => partition);
    await sequences.acquire(partitions);
    try {
      await this.#sendByLeader(await this.#assignSequences(sequences, batches, results, signal), results, signal);
    } finally {
      sequences.release(partitions);
    }
  }

  /** Puts a result into `results` for each batch that cannot be numbered. */
  async #assignSequences(
    sequences: ProducerSequences,
    wanted: readonly PartitionBatch[],
    results: SliceResult[],
    signal: AbortSignal,
  ): Promise<NumberedBatch[]> {
    const batches = wanted.filter(({ index, partition, slice }) => {
      if (slice.lane !== null || !sequences.awaitsOthers(partition, slice.records)) return true;
      results[index] = notStored(kafkaError("unavailable", "the partition waits for the retry of a batch of unknown outcome"));
      return false;
    });
    const isLost = batches.some(({ partition, slice }) => sequences.next(partition, slice.records) === null);
    try {
      if (isLost) await sequences.renew(signal);
    } catch (error) {
      for (const { index } of batches) results[index] = notStored(classify(error));
      return [];
    }
    return batches.flatMap((batch) => {
      const { records } = batch.slice;
      const sequenced = sequences.next(batch.partition, records);
      if (sequenced !== null) return [{ ...batch, sequenced, records: records.slice(0, sequenced.count) }];
      results[batch.index] = notStored(kafkaError("unavailable", "the idempotent producer has no id at present"));
      return [];
    });
  }

  async #sendByLeader(batches: readonly NumberedBatch[], results: SliceResult[], signal: AbortSignal): Promise<void> {
    const { leaderOf } = this.#topic.known;
    const leader = batches.length === 0 ? -1 : leaderOf(batches[0]!.partition);
    // Usually all batches have the same leader, because the core sends one call for each destination.
    if (batches.every(({ partition }) => leaderOf(partition) === leader)) await this.#sendTo(leader, batches, results, signal);
    else {
      const byLeader = Map.groupBy(batches, ({ partition }) => leaderOf(partition));
      await Promise.all([...byLeader].map(([leader, theirs]) => this.#sendTo(leader, theirs, results, signal)));
    }
  }

  async #sendTo(leader: number, batches: readonly NumberedBatch[], results: SliceResult[], signal: AbortSignal): Promise<void> {
    if (batches.length === 0) return;
    const { topic, topicId } = this.#topic.known;
    if (leader < 0) {
      for (const { index, partition } of batches) results[index] = notStored(this.#topic.missing ?? this.#withoutLeader(partition));
      return;
    }
    const nowMs = Date.now();
    try {
      const partitions = [];
      for (const { partition, records, sequenced } of batches) {
        const batch = writeBatch(records, nowMs, this.#service.compression, sequenced?.sequence ?? null);
        partitions.push({ partition, batch: [batch instanceof Promise ? await batch : batch] });
      }
      const request = { topic, topicId, timeoutMs: REPLICATION_TIMEOUT_MS, partitions };
      const produced = await this.#service.client.produce(leader, request, signal);
      for (const batch of batches) results[batch.index] = this.#resultOf(batch, produced, nowMs);
    } catch (error) {
      this.#topic.refreshInBackground();
      for (const { index, sequenced } of batches) results[index] = lost(error, sequenced);
    }
  }

  #withoutLeader(partition: number): StreamError {
    const { known } = this.#topic;
    const name = String(partition);
    // The producer has already refreshed the topic for this name.
    if (!known.partitions.includes(partition)) return noSuchPartition(known, name);
    this.#topic.refreshInBackground();
    return kafkaError("unavailable", "the partition has no leader at present", { topic: known.topic, partition: name });
  }

  #resultOf(batch: NumberedBatch, produced: readonly ProducedPartition[], nowMs: number): SliceResult {
    const { partition, sequenced, records, slice } = batch;
    const answer = produced.find((one) => one.partition === partition);
    if (answer === undefined) return lost(kafkaError("unavailable", "the server's answer leaves the partition out"), sequenced);
    const { errorCode } = answer;
    const name = this.#topic.nameOf(partition);
    if (errorCode === 0) {
      sequenced?.stored();
      // If the server had stored the batch before, it always answers with the largest time.
      if (sequenced?.isRepeat !== true) this.#topic.timestampsKnown(answer.logAppendTimeMs >= 0);
      return storedResult(name, answer, this.#topic.hasAppendTime, records, slice.records.length, nowMs);
    }
    const error = errorOf(errorCode, "Produce", { topic: this.#topic.known.topic, partition: name });
    switch (classOf(errorCode)) {
      case "stored":
        // The batch is so old that the server no longer knows its offset.
        sequenced?.stored();
        return alreadyStored(name, slice.records.length, records.length);
      case "unknown":
        return lost(error, sequenced);
      case "fenced":
        this.#sequences?.forget(partition);
        return notStored(error);
      case "retry":
        return notStored(error);
      case "refresh":
        this.#topic.refreshInBackground();
        if (MAY_HAVE_APPENDED_CODES.includes(errorCode)) return lost(error, sequenced);
        return NO_SUCH_TOPIC_CODES.includes(errorCode) ? this.#partitionUnknown(error) : notStored(error);
      case "fail":
        return { outcome: "refused", error };
    }
  }

  /** The leader does not know the partition: the partition moves, or the topic is gone. The refresh before the next attempt shows which. */
  #partitionUnknown(cause: StreamError): SliceResult {
    const { missing, known } = this.#topic;
    return notStored(
      missing ?? kafkaError("unavailable", "the broker does not know the partition at present", { topic: known.topic, cause }),
    );
  }
}

/** If the failure came before the request was sent, nothing is stored. After any other failure the outcome is unknown. */
function lost(error: unknown, sequenced: SequencedBatch | null): SliceResult {
  const known = classify(error);
  const hasNotLeft = error instanceof KafkaConnectError || error instanceof KafkaUnsupportedError || known.code === "configuration";
  if (hasNotLeft) return notStored(known);
  sequenced?.mayBeStored();
  return { outcome: "unknown", error: known };
}

function storedResult(
  partition: string,
  { baseOffset, logAppendTimeMs }: ProducedPartition,
  hasAppendTime: boolean,
  sent: readonly OutgoingRecord[],
  count: number,
  nowMs: number,
): SliceResult {
  const hasOwnTimes = !hasAppendTime && sent.some(({ timestampMs }) => timestampMs !== null);
  const timestampMs = logAppendTimeMs < 0 ? nowMs : logAppendTimeMs;
  if (sent.length === count && !hasOwnTimes) return new StoredSlice(partition, timestampMs, baseOffset, positionAt);
  const results = eachStored(sent, (record, index) => ({
    partition,
    position: positionAt(baseOffset, index),
    timestampMs: hasOwnTimes ? (record.timestampMs ?? timestampMs) : timestampMs,
  }));
  // The batch took only the first records of the slice.
  while (results.length < count) results.push({ outcome: "retryable", error: waitedForRetry(), retryAfterMs: 0 });
  return { outcome: "each", results };
}

/** @param count records in the slice. Only the first `repeated` of them were retried */
function alreadyStored(partition: string, count: number, repeated: number): SliceResult {
  if (count === repeated) return { outcome: "stored", partition, timestampMs: null, positionOf: () => null };
  const stored: RecordResult = { outcome: "stored", partition, position: null, timestampMs: null };
  const later: RecordResult = { outcome: "retryable", error: waitedForRetry(), retryAfterMs: 0 };
  return { outcome: "each", results: Array.from({ length: count }, (_, index) => (index < repeated ? stored : later)) };
}

function waitedForRetry(): StreamError {
  return kafkaError("unavailable", "a batch of unknown outcome was retried first");
}
