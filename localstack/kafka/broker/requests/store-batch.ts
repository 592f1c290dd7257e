import type { Cluster } from "../cluster.ts";
import { ErrorCode, type RecordError, Refusal } from "../error-code.ts";
import { checkBatch, onlyBatch } from "../log/check-batch.ts";
import type { RecordBatch } from "../log/record-batch.ts";
import type { Partition } from "../topics/partition.ts";
import type { Topic } from "../topics/topic.ts";
import type { RequestContext } from "./handler.ts";
import { currentLeader, ledPartition } from "./led-partition.ts";

const ALL_IN_SYNC_REPLICAS = -1;
const LEADER_ONLY = 1;
const NO_APPEND_TIME = -1;
const REFUSED_BY_FAULT = "a fault of the emulator refuses this batch";

/** The result for the batch of one partition. */
export interface StoredBatch {
  readonly index: number;
  readonly errorCode: number;
  readonly baseOffset: bigint;
  readonly logAppendTimeMs?: number;
  readonly logStartOffset?: bigint;
  readonly recordErrors?: readonly RecordError[];
  readonly errorMessage?: string;
  readonly currentLeader?: { readonly leaderId: number; readonly leaderEpoch: number };
}

export interface StoreOptions {
  readonly acks: number;
  readonly transactionalId: string | null;
}

/** Checks one batch in the order of a server, and stores it. @throws `Refusal` */
export function storeBatch(
  context: RequestContext,
  topic: Topic,
  index: number,
  records: Buffer,
  { acks, transactionalId }: StoreOptions,
): StoredBatch {
  const { cluster, faults, version } = context;
  const refusal = faults.refusalOf(ErrorCode.topicAuthorizationFailed, topic.name, index);
  if (refusal !== ErrorCode.none) throw new Refusal(refusal, REFUSED_BY_FAULT);
  if (topic.partitions[index] === undefined) throw new Refusal(ErrorCode.unknownTopicOrPartition, "the topic has no such partition");
  const batch = onlyBatch(records, version);
  if (batch.isTransactional) requireTransaction(cluster, topic, topic.partitions[index], batch, transactionalId);
  if (acks < ALL_IN_SYNC_REPLICAS || acks > LEADER_ONLY) {
    throw new Refusal(ErrorCode.invalidRequiredAcks, `acks is ${acks}; allowed are -1, 0 and 1`);
  }
  const codeOfMove = faults.codeOfMove(false, topic.name, index);
  if (codeOfMove !== ErrorCode.none && !cluster.moveLeader(topic.partitions[index])) {
    throw new Refusal(codeOfMove, REFUSED_BY_FAULT);
  }
  const partition = ledPartition(context, topic, index);
  if (typeof partition === "number") throw new Refusal(partition, "another broker leads the partition, or no broker does");
  // A server never needs more replicas than the partition has.
  const neededReplicas = Math.min(topic.config.minInSyncReplicas, partition.replicas.length);
  if (acks === ALL_IN_SYNC_REPLICAS && cluster.inSyncReplicas(partition).length < neededReplicas) {
    throw new Refusal(ErrorCode.notEnoughReplicas, "fewer replicas are in sync than the topic needs");
  }
  const nowMs = Date.now();
  try {
    const checked = checkBatch(batch, topic.config, nowMs);
    if (faults.invalidates(topic.name, index)) cluster.invalidRecords.choose(checked);
    cluster.invalidRecords.check(checked);
    const stored = append(partition, checked, topic, nowMs);
    const errorCode = faults.codeAfter(topic.name, index) || codeOfMoveAfter(context, topic, partition);
    return errorCode === ErrorCode.none ? stored : { index, errorCode, baseOffset: -1n };
  } catch (error) {
    return refusedBatch(error, topic, index, partition);
  }
}

/** The error code if the leadership moves while the leader waits for its replicas; 0: it does not move. */
function codeOfMoveAfter({ cluster, faults }: RequestContext, topic: Topic, partition: Partition): number {
  const otherwise = faults.codeOfMove(true, topic.name, partition.index);
  return otherwise !== ErrorCode.none && cluster.moveLeader(partition) ? ErrorCode.notLeaderOrFollower : otherwise;
}

/** The coordinator is not asked if the transaction is already open in the partition. @throws `Refusal` */
function requireTransaction(
  { transactions }: Cluster,
  topic: Topic,
  { index, log }: Partition,
  { producerId, producerEpoch }: RecordBatch,
  transactionalId: string | null,
): void {
  if (log.transactions.isOpen(producerId) && log.producers.epochOf(producerId) === producerEpoch) return;
  transactions.requirePartition(transactionalId, { producerId, producerEpoch }, topic.name, index);
}

function append(partition: Partition, batch: RecordBatch, { config }: Topic, nowMs: number): StoredBatch {
  const { log, index } = partition;
  const answer = { index, errorCode: ErrorCode.none, logStartOffset: log.startOffset };
  if (batch.byteLength > config.segmentBytes) throw new Refusal(ErrorCode.recordListTooLarge, "a batch is larger than a segment may be");
  if (batch.producerId >= 0n) {
    const before = log.producers.check(batch);
    // For a duplicate a server answers the time of the stored batch, even if the topic does not use the append time.
    if (before !== null) return { ...answer, baseOffset: before.baseOffset, logAppendTimeMs: before.maxTimestampMs };
  }
  const { baseOffset } = log.append(batch, partition.leaderEpoch, config, nowMs);
  if (batch.producerId >= 0n) log.producers.wrote(batch);
  if (batch.isTransactional) log.transactions.wrote(batch.producerId, baseOffset);
  partition.changed();
  return { ...answer, baseOffset, logAppendTimeMs: config.hasAppendTime ? nowMs : NO_APPEND_TIME };
}

/** The codes that a server answers without the state of the log. */
const WITHOUT_LOG: ReadonlySet<number> = new Set([ErrorCode.corruptMessage, ErrorCode.messageTooLarge, ErrorCode.recordListTooLarge]);

/** @param partition given if the server had already found it */
export function refusedBatch(error: unknown, topic: Topic | undefined, index: number, partition?: Partition): StoredBatch {
  if (!(error instanceof Refusal)) throw error;
  const { errorCode, message, recordErrors } = error;
  const refused = { index, errorCode, baseOffset: -1n, recordErrors, errorMessage: message };
  if (errorCode === ErrorCode.notLeaderOrFollower) return { ...refused, currentLeader: currentLeader(topic, index) };
  if (partition === undefined || WITHOUT_LOG.has(errorCode)) return refused;
  return { ...refused, logStartOffset: partition.log.startOffset };
}
