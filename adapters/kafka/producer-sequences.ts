import type { OutgoingRecord } from "../../src/driver/index.ts";
import type { KafkaClient, ProducerIdentity } from "./kafka-client.ts";
import type { BatchSequence } from "./record-batch-writer.ts";

/** Sequence numbers begin at 0 again behind the largest. */
const SEQUENCE_MASK = 0x7fffffff;

interface PartitionSequence {
  next: number;
  /**
   * A batch that may have been stored. The server recognises it only when it comes again with the same records; the records
   * themselves are not looked into any more, only compared by identity.
   */
  unresolved: { readonly first: OutgoingRecord; readonly last: OutgoingRecord; readonly count: number } | null;
}

/** One batch under way: under which numbers, and what its outcome changes. */
export interface SequencedBatch {
  readonly sequence: BatchSequence;
  /** How many of the records it takes; the rest has to wait for another call. */
  readonly count: number;
  stored(): void;
  mayBeStored(): void;
}

/**
 * The producer id of an idempotent producer and its sequence numbers in each partition. A number is used up by what was
 * stored; what was certainly not stored leaves it free.
 */
export class ProducerSequences {
  readonly #client: KafkaClient;
  #identity: ProducerIdentity | undefined;
  #partitions = new Map<number, PartitionSequence>();
  #renewing: Promise<void> | undefined;
  readonly #busy = new Map<number, PromiseWithResolvers<void>>();

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** A new producer id. Those who need one at the same time share the request. */
  async renew(signal: AbortSignal): Promise<void> {
    this.#renewing ??= this.#init(signal).finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  async #init(signal: AbortSignal): Promise<void> {
    const identity = await this.#client.initProducerId(signal);
    this.#partitions = new Map();
    this.#identity = identity;
  }

  /** The server does not follow these numbers any more: the next batch needs a new id. */
  forget(): void {
    this.#identity = undefined;
  }

  isBusy(partition: number): boolean {
    return this.#busy.has(partition);
  }

  /**
   * Numbers of a partition belong to one batch at a time; records without a lane can meet others there. In ascending order,
   * so that two calls never wait for each other.
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

  /** @returns `null` where there is no id, or where a batch of unknown outcome can never be repeated, since its records have been given up */
  next(partition: number, records: readonly OutgoingRecord[]): SequencedBatch | null {
    const identity = this.#identity;
    if (identity === undefined) return null;
    let numbers = this.#partitions.get(partition);
    if (numbers === undefined) {
      numbers = { next: 0, unresolved: null };
      this.#partitions.set(partition, numbers);
    }
    const { next, unresolved } = numbers;
    if (unresolved !== null && (records[0] !== unresolved.first || records[unresolved.count - 1] !== unresolved.last)) return null;
    const count = unresolved?.count ?? records.length;
    const held = numbers;
    return {
      sequence: { producerId: identity.producerId, epoch: identity.epoch, firstSequence: next },
      count,
      stored() {
        held.next = (next + count) & SEQUENCE_MASK;
        held.unresolved = null;
      },
      mayBeStored() {
        held.unresolved = { first: records[0]!, last: records[count - 1]!, count };
      },
    };
  }
}
