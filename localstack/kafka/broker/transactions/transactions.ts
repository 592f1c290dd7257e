import { ErrorCode, Refusal } from "../error-code.ts";
import type { Groups } from "../groups/groups.ts";
import type { Topics } from "../topics/topics.ts";
import { controlBatch } from "./control-batch.ts";
import { Transaction, type TransactionPartition } from "./transaction.ts";

/** An idempotent or transactional producer. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

const LARGEST_EPOCH = 32_766;
const NO_PRODUCER_ID = -1n;

/** Assigns producer ids, and ends transactions in all partitions at once. */
export class Transactions {
  readonly #topics: Topics;
  readonly #groups: Groups;
  readonly #longestTimeoutMs: number;
  readonly #byId = new Map<string, Transaction>();
  #nextProducerId = 1_000n;

  constructor(topics: Topics, groups: Groups, longestTimeoutMs: number) {
    this.#topics = topics;
    this.#groups = groups;
    this.#longestTimeoutMs = longestTimeoutMs;
  }

  /** @throws `Refusal` · CONCURRENT_TRANSACTIONS if the former producer had left a transaction open, which is aborted now */
  initialize(transactionalId: string | null, timeoutMs: number, known: ProducerIdentity): ProducerIdentity {
    if (transactionalId === null) return { producerId: this.#newProducerId(), producerEpoch: 0 };
    if (transactionalId === "") throw new Refusal(ErrorCode.invalidRequest, "a transactional id is not empty");
    if (timeoutMs <= 0 || timeoutMs > this.#longestTimeoutMs) {
      throw new Refusal(ErrorCode.invalidTransactionTimeout, `the time-out of a transaction is up to ${this.#longestTimeoutMs} ms`);
    }
    const transaction = this.#byId.get(transactionalId);
    if (transaction === undefined) {
      const created = new Transaction(this.#newProducerId(), timeoutMs);
      this.#byId.set(transactionalId, created);
      return identityOf(created);
    }
    const isClaimed = known.producerId !== NO_PRODUCER_ID;
    if (isClaimed && known.producerId !== transaction.producerId) throw fenced();
    if (transaction.state === "Ongoing") {
      // The epoch of the request is not checked here, but at the retry.
      transaction.formerEpoch = transaction.epoch;
      this.#bump(transaction);
      this.#end(transaction, false);
      throw new Refusal(ErrorCode.concurrentTransactions, "the transaction that was open is being aborted");
    }
    // A producer with the former epoch has not received the answer to its first request.
    const isFormer = isClaimed && known.producerEpoch === transaction.formerEpoch;
    if (isClaimed && !isFormer && known.producerEpoch !== transaction.epoch) throw fenced();
    if (!isFormer) {
      this.#bump(transaction);
      transaction.formerEpoch = isClaimed ? known.producerEpoch : -1;
      transaction.timeoutMs = timeoutMs;
    }
    transaction.state = "Empty";
    return identityOf(transaction);
  }

  /** @throws `Refusal` */
  addPartitions(transactionalId: string, producer: ProducerIdentity, partitions: readonly TransactionPartition[]): void {
    const transaction = this.#current(transactionalId, producer);
    transaction.add(partitions);
    this.#begin(transaction);
  }

  /** @throws `Refusal` */
  addGroup(transactionalId: string, producer: ProducerIdentity, groupId: string): void {
    const transaction = this.#current(transactionalId, producer);
    transaction.groups.add(groupId);
    this.#begin(transaction);
  }

  /** @throws `Refusal` */
  end(transactionalId: string, producer: ProducerIdentity, isCommitted: boolean): void {
    const transaction = this.#current(transactionalId, producer);
    const isRepeated = transaction.state === (isCommitted ? "CompleteCommit" : "CompleteAbort");
    if (isRepeated) return;
    if (transaction.state !== "Ongoing")
      throw new Refusal(ErrorCode.invalidTxnState, `a transaction that is ${transaction.state} cannot end`);
    this.#end(transaction, isCommitted);
  }

  /** Checks that the partition was added to an open transaction. @throws `Refusal` */
  requirePartition(transactionalId: string | null, producer: ProducerIdentity, topic: string, partition: number): void {
    const transaction = transactionalId === null ? undefined : this.#byId.get(transactionalId);
    const isOwn = transaction?.producerId === producer.producerId;
    if (isOwn && transaction.epoch !== producer.producerEpoch) {
      throw new Refusal(
        ErrorCode.invalidProducerEpoch,
        `the producer has epoch ${producer.producerEpoch}, and ${transaction.epoch} is known`,
      );
    }
    if (isOwn && transaction.has(topic, partition)) return;
    throw new Refusal(ErrorCode.invalidTxnState, "the partition is not part of an open transaction");
  }

  close(): void {
    for (const transaction of this.#byId.values()) transaction.stopTimer();
  }

  #newProducerId(): bigint {
    this.#nextProducerId += 1n;
    return this.#nextProducerId;
  }

  #current(transactionalId: string, { producerId, producerEpoch }: ProducerIdentity): Transaction {
    const transaction = this.#byId.get(transactionalId);
    if (transaction === undefined || transaction.producerId !== producerId) {
      throw new Refusal(ErrorCode.invalidProducerIdMapping, "the transactional id belongs to another producer id");
    }
    if (transaction.epoch !== producerEpoch) throw fenced();
    return transaction;
  }

  #begin(transaction: Transaction): void {
    transaction.begin(() => {
      // The producer that left the transaction open must not continue to write.
      this.#bump(transaction);
      this.#end(transaction, false);
    });
  }

  #bump(transaction: Transaction): void {
    if (transaction.epoch < LARGEST_EPOCH) transaction.epoch += 1;
    else {
      transaction.producerId = this.#newProducerId();
      transaction.epoch = 0;
    }
  }

  #end(transaction: Transaction, isCommitted: boolean): void {
    const { producerId, epoch, partitions, groups } = transaction;
    const nowMs = Date.now();
    for (const { topic: name, partition: index } of partitions) {
      const topic = this.#topics.get(name);
      const partition = topic?.partitions[index];
      if (topic === undefined || partition === undefined) continue;
      const { log } = partition;
      const marker = log.append(controlBatch(producerId, epoch, isCommitted, nowMs), partition.leaderEpoch, topic.config, nowMs);
      log.transactions.ended(producerId, isCommitted, marker.baseOffset);
      log.producers.marked(producerId, epoch);
      partition.changed();
    }
    for (const groupId of groups) this.#groups.get(groupId)?.offsets.transactionEnded(producerId, isCommitted);
    transaction.end(isCommitted ? "CompleteCommit" : "CompleteAbort");
  }
}

function identityOf({ producerId, epoch }: Transaction): ProducerIdentity {
  return { producerId, producerEpoch: epoch };
}

function fenced(): Refusal {
  return new Refusal(ErrorCode.producerFenced, "a newer producer has this transactional id");
}
