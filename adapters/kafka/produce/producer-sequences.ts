import { performance } from "node:perf_hooks";
import type { OutgoingRecord } from "../../../src/driver/index.ts";
import { type KafkaClient, KafkaUnsupportedError, type ProducerIdentity } from "../client/kafka-client.ts";
import { kafkaError } from "../errors.ts";
import type { BatchSequence } from "../log/record-batch-writer.ts";

/** After the largest sequence number, 0 follows. */
const SEQUENCE_MASK = 0x7fffffff;
/** For this time, messages without a key avoid a partition that waits for the retry of a batch. After it, the batch counts as abandoned. */
const RETRY_WITHIN_MS = 30_000;

interface PartitionSequence {
  /** It stays the same as long as the sequence continues: the server recognises a retried batch only by the id of its first attempt. */
  readonly identity: ProducerIdentity;
  next: number;
  /**
   * A batch that may have been stored. The server recognises a retry only with the same records. The records are compared by
   * identity.
   */
  unresolved: { readonly first: OutgoingRecord; readonly last: OutgoingRecord; readonly count: number; readonly sinceMs: number } | null;
}

/** The sequence numbers of one batch in flight, and methods for its outcome. */
export interface SequencedBatch {
  readonly sequence: BatchSequence;
  /** The batch was sent before and may be stored. The server then answers with the offset that it has stored. */
  readonly isRepeat: boolean;
  /** The number of records in the batch. The other records have to wait for another call. */
  readonly count: number;
  stored(): void;
  mayBeStored(): void;
}

/**
 * The producer ids of an idempotent producer and its sequence numbers in each partition. Stored records use up their numbers; records
 * that were certainly not stored do not. If the numbers of a partition are lost, it starts again with a new id. The other partitions
 * keep their ids.
 */
export class ProducerSequences {
  readonly #client: KafkaClient;
  #identity: ProducerIdentity | undefined;
  readonly #partitions = new Map<number, PartitionSequence>();
  #renewing: Promise<void> | undefined;
  readonly #busy = new Map<number, PromiseWithResolvers<void>>();

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** Gets a new producer id, for partitions that start. Concurrent calls share one request. */
  async renew(signal: AbortSignal): Promise<void> {
    this.#renewing ??= this.#init(signal).finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  async #init(signal: AbortSignal): Promise<void> {
    try {
      this.#identity = await this.#client.initProducerId(signal);
    } catch (cause) {
      if (!(cause instanceof KafkaUnsupportedError)) throw cause;
      // As the Kafka endpoint of OCI Streaming.
      const text = "this server has no idempotent producers (InitProducerId): leave the setting idempotent off";
      throw kafkaError("unsupported", text, { cause });
    }
  }

  /** The server does not know the sequence of this partition any longer. Its next batch needs a new id. */
  forget(partition: number): void {
    const numbers = this.#partitions.get(partition);
    this.#partitions.delete(partition);
    if (numbers?.identity === this.#identity) this.#identity = undefined;
  }

  isBusy(partition: number): boolean {
    return this.#busy.has(partition);
  }

  /**
   * Reserves the sequences of the partitions for one batch each. Without this, records without a lane could use a sequence at the same
   * time as others. The order is ascending, so that two calls never wait for each other.
   */
  async acquire(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions.toSorted((a, b) => a - b)) {
      for (let busy = this.#busy.get(partition); busy !== undefined; busy = this.#busy.get(partition)) await busy.promise;
      this.#busy.set(partition, Promise.withResolvers());
    }
  }

  release(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.#busy.get(partition)?.resolve();
      this.#busy.delete(partition);
    }
  }

  /** The partition to which these records were sent with unknown outcome. Only there the server recognises a retry. */
  partitionOf(records: readonly OutgoingRecord[]): number | undefined {
    for (const [partition, { unresolved }] of this.#partitions) {
      if (unresolved !== null && unresolved.first === records[0] && canRepeat(unresolved, records)) return partition;
    }
    return undefined;
  }

  /** Does the partition wait for the retry of another batch? Any batch before the retry would use its sequence numbers. */
  awaitsOthers(partition: number, records: readonly OutgoingRecord[]): boolean {
    const unresolved = this.#partitions.get(partition)?.unresolved ?? null;
    return unresolved !== null && !canRepeat(unresolved, records) && performance.now() - unresolved.sinceMs < RETRY_WITHIN_MS;
  }

  /** @returns `null` if the partition needs an id and there is none; call `renew` first then */
  next(partition: number, records: readonly OutgoingRecord[]): SequencedBatch | null {
    let numbers = this.#partitions.get(partition);
    // If the records of a batch of unknown outcome were abandoned, it is never retried, and the next sequence number stays unknown.
    if (numbers !== undefined && !canRepeat(numbers.unresolved, records)) {
      this.forget(partition);
      numbers = undefined;
    }
    if (numbers === undefined) {
      if (this.#identity === undefined) return null;
      numbers = { identity: this.#identity, next: 0, unresolved: null };
      this.#partitions.set(partition, numbers);
    }
    const { identity, next, unresolved } = numbers;
    const count = unresolved?.count ?? records.length;
    const held = numbers;
    return {
      sequence: { producerId: identity.producerId, epoch: identity.epoch, firstSequence: next },
      isRepeat: unresolved !== null,
      count,
      stored() {
        held.next = (next + count) & SEQUENCE_MASK;
        held.unresolved = null;
      },
      mayBeStored() {
        held.unresolved = { first: records[0]!, last: records[count - 1]!, count, sinceMs: performance.now() };
      },
    };
  }
}

function canRepeat(unresolved: PartitionSequence["unresolved"], records: readonly OutgoingRecord[]): boolean {
  return unresolved === null || (records[0] === unresolved.first && records[unresolved.count - 1] === unresolved.last);
}
