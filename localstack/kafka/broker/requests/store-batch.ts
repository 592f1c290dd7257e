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

/** What became of the batch of one partition. */
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

/** Checks one batch as a server does, in its order, and stores it. @throws `Refusal` */
export function storeBatch(
  context: RequestContext,
  topic: Topic,
  index: number,
  records: Buffer,
  { acks, transactionalId }: StoreOptions,
): StoredBatch {
  const { cluster, faults, version } = context;
  const refusal = faults.refusalOf(ErrorCode.topicAuthorizationFailed, topic.name, index);
  if (refusal !== ErrorCode.none) throw new Refusal(refusal, "the emulator was told to refuse this");
  if (topic.partitions[index] === undefined) throw new Refusal(ErrorCode.unknownTopicOrPartition, "there is no such partition");
  const batch = onlyBatch(records, version);
  if (batch.isTransactional) requireTransaction(cluster, topic, topic.partitions[index], batch, transactionalId);
  if (acks < ALL_IN_SYNC_REPLICAS || acks > LEADER_ONLY) {
    throw new Refusal(ErrorCode.invalidRequiredAcks, `acks is ${acks}; allowed are -1, 0 and 1`);
  }
  const codeOfMove = faults.codeOfMove(false, topic.name, index);
  if (codeOfMove !== ErrorCode.none && !cluster.moveLeader(topic.partitions[index])) {
    throw new Refusal(codeOfMove, "the emulator was told to refuse this");
  }
  const partition = ledPartition(context, topic, index);
  if (typeof partition === "number") throw new Refusal(partition, "another broker leads the partition, or there is none");
  // Of more than there are, a server asks for those that there are.
  const neededReplicas = Math.min(topic.config.minInSyncReplicas, partition.replicas.length);
  if (acks === ALL_IN_SYNC_REPLICAS && cluster.inSyncReplicas(partition).length < neededReplicas) {
    throw new Refusal(ErrorCode.notEnoughReplicas, "fewer replicas are in sync than the topic asks for");
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

/** What is answered where the leader hands the partition over while it waits for its replicas; 0: it does not. */
function codeOfMoveAfter({ cluster, faults }: RequestContext, topic: Topic, partition: Partition): number {
  const otherwise = faults.codeOfMove(true, topic.name, partition.index);
  return otherwise !== ErrorCode.none && cluster.moveLeader(partition) ? ErrorCode.notLeaderOrFollower : otherwise;
}

/** Of a transaction that is open in the partition, the coordinator is not asked again. @throws `Refusal` */
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
    // Of a batch that comes again a server tells the time as if the topic had the time of storing.
    if (before !== null) return { ...answer, baseOffset: before.baseOffset, logAppendTimeMs: before.maxTimestampMs };
  }
  const { baseOffset } = log.append(batch, partition.leaderEpoch, config, nowMs);
  if (batch.producerId >= 0n) log.producers.wrote(batch);
  if (batch.isTransactional) log.transactions.wrote(batch.producerId, baseOffset);
  partition.changed();
  return { ...answer, baseOffset, logAppendTimeMs: config.hasAppendTime ? nowMs : NO_APPEND_TIME };
}

/** Codes that come without what the server knows of the log. */
const WITHOUT_LOG: ReadonlySet<number> = new Set([ErrorCode.corruptMessage, ErrorCode.messageTooLarge, ErrorCode.recordListTooLarge]);

/** @param partition where the server had it in its hands already */
export function refusedBatch(error: unknown, topic: Topic | undefined, index: number, partition?: Partition): StoredBatch {
  if (!(error instanceof Refusal)) throw error;
  const { errorCode, message, recordErrors } = error;
  const refused = { index, errorCode, baseOffset: -1n, recordErrors, errorMessage: message };
  if (errorCode === ErrorCode.notLeaderOrFollower) return { ...refused, currentLeader: currentLeader(topic, index) };
  if (partition === undefined || WITHOUT_LOG.has(errorCode)) return refused;
  return { ...refused, logStartOffset: partition.log.startOffset };
}
