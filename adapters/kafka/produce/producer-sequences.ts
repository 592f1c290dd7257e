import { performance } from "node:perf_hooks";
import type { OutgoingRecord } from "../../../src/driver/index.ts";
import type { KafkaClient, ProducerIdentity } from "../client/kafka-client.ts";
import type { BatchSequence } from "../log/record-batch-writer.ts";

/** Sequence numbers begin at 0 again behind the largest. */
const SEQUENCE_MASK = 0x7fffffff;
/** So long messages that can go elsewhere leave a partition to the batch that has to come again there; by then it has been given up. */
const REPEAT_WITHIN_MS = 30_000;

interface PartitionSequence {
  /** Kept for as long as the partition goes on: a batch of unknown outcome is recognised only under the id it was first sent with. */
  readonly identity: ProducerIdentity;
  next: number;
  /**
   * A batch that may have been stored. The server recognises it only when it comes again with the same records; the records
   * themselves are not looked into any more, only compared by identity.
   */
  unresolved: { readonly first: OutgoingRecord; readonly last: OutgoingRecord; readonly count: number; readonly sinceMs: number } | null;
}

/** One batch under way: under which numbers, and what its outcome changes. */
export interface SequencedBatch {
  readonly sequence: BatchSequence;
  /** It has been sent before, and may be stored: then the server answers with what it has stored. */
  readonly isRepeat: boolean;
  /** How many of the records it takes; the rest has to wait for another call. */
  readonly count: number;
  stored(): void;
  mayBeStored(): void;
}

/**
 * The producer ids of an idempotent producer and its sequence numbers in each partition. A number is used up by what was
 * stored; what was certainly not stored leaves it free. A partition whose numbers are lost begins again under a new id; the
 * others stay with theirs.
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

  /** A new producer id, for partitions that begin. Those who need one at the same time share the request. */
  async renew(signal: AbortSignal): Promise<void> {
    this.#renewing ??= this.#init(signal).finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  async #init(signal: AbortSignal): Promise<void> {
    this.#identity = await this.#client.initProducerId(signal);
  }

  /** The server does not follow the numbers of this partition any more: its next batch needs an id that it has not seen. */
  forget(partition: number): void {
    const numbers = this.#partitions.get(partition);
    this.#partitions.delete(partition);
    if (numbers?.identity === this.#identity) this.#identity = undefined;
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

  /** Where these records were sent before with unknown outcome: there the server recognises them. */
  partitionOf(records: readonly OutgoingRecord[]): number | undefined {
    for (const [partition, { unresolved }] of this.#partitions) {
      if (unresolved !== null && unresolved.first === records[0] && canRepeat(unresolved, records)) return partition;
    }
    return undefined;
  }

  /** A batch of other records has to come again here first: any other before it would take its numbers away. */
  awaitsOthers(partition: number, records: readonly OutgoingRecord[]): boolean {
    const unresolved = this.#partitions.get(partition)?.unresolved ?? null;
    return unresolved !== null && !canRepeat(unresolved, records) && performance.now() - unresolved.sinceMs < REPEAT_WITHIN_MS;
  }

  /** @returns `null` where the partition needs an id and there is none: `renew`, then again */
  next(partition: number, records: readonly OutgoingRecord[]): SequencedBatch | null {
    let numbers = this.#partitions.get(partition);
    // A batch of unknown outcome whose records have been given up can never be repeated: nobody knows the next number.
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
