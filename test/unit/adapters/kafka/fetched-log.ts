import {
  type ClusterMetadata,
  EARLIEST,
  type FetchRequest,
  type FetchedPartition,
  type KafkaClient,
  type ListedOffset,
} from "../../../../adapters/kafka/client/kafka-client.ts";
import { abortable, pause } from "../../../../src/adapter-kit/index.ts";
import { writeBatch } from "../../../../adapters/kafka/log/record-batch-writer.ts";
import type { OutgoingRecord } from "../../../../src/driver/index.ts";

const SERVER_WAIT_MS = 5;

interface StoredBytes {
  readonly sound: Buffer;
  readonly bytes: Buffer;
  times: number;
  readonly next: bigint;
}

/** A client with the log of one topic: stored batches, and planned faults. Every broker answers for its partitions. */
export class FetchedLog {
  topicId = "a".repeat(32);
  leaders: number[];
  /** The number of fetches of a partition. */
  readonly asked: number[];
  /** The number of look-ups of the leaders. */
  looks = 0;
  /** An error code by partition; 0: none. */
  readonly codes: number[];
  readonly firstOffsets: bigint[];
  /** The history of leader epochs is lost: a fetch that names an epoch is refused as out of range. */
  knowsNoEpochs = false;
  /** Answers to ListOffsets wait for this promise, if it is set. */
  offsetsGate: Promise<void> = Promise.resolve();
  /** The offsets of partition 0, from the first to the last, that the server cannot read in its own log. */
  corruptOffsets: readonly [first: bigint, last: bigint] | null = null;
  /** The server's answer for these offsets: an error, or no records. */
  saysCorrupt = true;
  readonly #batches: StoredBytes[][];

  constructor(leaders: readonly number[]) {
    this.leaders = [...leaders];
    this.asked = leaders.map(() => 0);
    this.codes = leaders.map(() => 0);
    this.firstOffsets = leaders.map(() => 0n);
    this.#batches = leaders.map(() => []);
  }

  /**
   * Stores one batch with one record for each value.
   * @param change changes the bytes after their checksum is made
   * @param times the number of answers with the change
   */
  async store(
    partition: number,
    values: readonly string[],
    change: (batch: Buffer) => void = () => undefined,
    times = Infinity,
  ): Promise<void> {
    const records = values.map((value): OutgoingRecord => ({
      key: null,
      value: Buffer.from(value),
      headers: [["h", Buffer.from("1")]],
      timestampMs: null,
      toPartition: undefined,
    }));
    const sound = Buffer.from(await writeBatch(records, 0, "none", null));
    sound.writeBigInt64BE(this.#end(partition), 0);
    const bytes = Buffer.from(sound);
    change(bytes);
    this.#batches[partition]!.push({ sound, bytes, times, next: this.#end(partition) + BigInt(values.length) });
  }

  #end(partition: number): bigint {
    return this.#batches[partition]!.at(-1)?.next ?? 0n;
  }

  get client(): KafkaClient {
    const calls: Partial<KafkaClient> = {
      metadata: async () => this.#metadata(),
      fetch: (broker, request, signal) => this.#fetch(broker, request, signal),
      listOffsets: async (_broker, { partitions }, signal): Promise<ListedOffset[]> => {
        await abortable(this.offsetsGate, signal);
        return partitions.map(({ partition, timestamp }) => {
          const offset = timestamp === EARLIEST ? this.firstOffsets[partition]! : this.#end(partition);
          return { partition, errorCode: 0, offset, timestamp: -1n, leaderEpoch: -1 };
        });
      },
    };
    return calls as KafkaClient;
  }

  #metadata(): ClusterMetadata {
    this.looks += 1;
    const partitions = this.leaders.map((leaderId, partition) => ({ errorCode: 0, partition, leaderId }));
    const topic = { errorCode: 0, topic: "orders", topicId: this.topicId, isInternal: false, partitions };
    return { brokers: [], clusterId: "c", controllerId: 1, topics: [topic] };
  }

  async #fetch(broker: number, { partitions }: FetchRequest, signal: AbortSignal): Promise<readonly FetchedPartition[]> {
    await abortable(pause(SERVER_WAIT_MS, signal), signal);
    return partitions.map(({ partition, fetchOffset, lastFetchedEpoch }) => {
      this.asked[partition]! += 1;
      const end = this.#end(partition);
      const first = this.firstOffsets[partition]!;
      const outOfRange = fetchOffset < first || fetchOffset > end || (this.knowsNoEpochs && lastFetchedEpoch >= 0);
      const errorCode = this.leaders[partition] !== broker ? 6 : this.codes[partition] !== 0 ? this.codes[partition]! : outOfRange ? 1 : 0;
      const [firstBad, lastBad] = (partition === 0 ? this.corruptOffsets : null) ?? [end, end];
      const isBad = fetchOffset >= firstBad && fetchOffset <= lastBad && fetchOffset < end;
      const limit = fetchOffset < firstBad ? firstBad : end;
      const stored = errorCode === 0 && !isBad ? this.#batches[partition]!.filter(({ next }) => next > fetchOffset && next <= limit) : [];
      return {
        partition,
        errorCode: isBad && this.saysCorrupt ? 2 : errorCode,
        highWatermark: end,
        lastStableOffset: end,
        logStartOffset: first,
        divergingEpoch: null,
        abortedTransactions: [],
        batches: Buffer.concat(stored.map((batch) => ((batch.times -= 1) >= 0 ? batch.bytes : batch.sound))),
      };
    });
  }
}
