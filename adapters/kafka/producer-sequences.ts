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

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** Gets a producer id where there is none. Those who need one at the same time share the request. */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#identity !== undefined) return;
    this.#renewing ??= this.#renew(signal).finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const identity = await this.#client.initProducerId(signal);
    this.#partitions = new Map();
    this.#identity = identity;
  }

  /** The server does not follow these numbers any more: the next batch gets a new id. */
  forget(): void {
    this.#identity = undefined;
  }

  /** @returns `null` when a batch of unknown outcome can never be repeated, since its records have been given up: get a new id. */
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
