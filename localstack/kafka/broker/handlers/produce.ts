import { produceApi } from "../apis/produce.ts";
import { ErrorCode, type RecordError, Refusal } from "../error-code.ts";
import { checkBatch } from "../log/check-batch.ts";
import type { Partition } from "../topics/partition.ts";
import type { Topic } from "../topics/topic.ts";
import { askedTopic, missingTopicCode } from "./asked-topic.ts";
import { type RequestContext, type TopicSubject, handler } from "./handler.ts";
import { currentLeader, ledPartition } from "./led-partition.ts";

const ALL_IN_SYNC_REPLICAS = -1;
const NO_ACKNOWLEDGEMENT = 0;

/** What became of the batch of one partition. */
interface Produced {
  readonly index: number;
  readonly errorCode: number;
  readonly baseOffset: bigint;
  readonly logAppendTimeMs?: number;
  readonly logStartOffset?: bigint;
  readonly recordErrors?: readonly RecordError[];
  readonly errorMessage?: string;
  readonly currentLeader?: { readonly leaderId: number; readonly leaderEpoch: number };
}

export const produce = handler(
  produceApi,
  ({ transactionalId, acks, topicData }, context) => {
    const responses = topicData.map((asked) => {
      const topic = askedTopic(context.cluster, asked);
      const missing = missingTopicCode(asked);
      const partitionResponses = asked.partitionData.map(({ index, records }) => {
        try {
          if (acks < ALL_IN_SYNC_REPLICAS || acks > 1) throw new Refusal(ErrorCode.invalidRequiredAcks, "acks is one of -1, 0 and 1");
          if (topic === undefined) throw new Refusal(missing, "there is no such topic");
          return store(context, topic, index, records, { acks, transactionalId });
        } catch (error) {
          return refused(error, topic, index);
        }
      });
      return { name: asked.name, topicId: asked.topicId, partitionResponses };
    });
    return acks === NO_ACKNOWLEDGEMENT ? null : { responses };
  },
  {
    topics: ({ topicData }, cluster) =>
      topicData.map((asked): TopicSubject => {
        return [askedTopic(cluster, asked)?.name ?? asked.name, asked.partitionData.map(({ index }) => index)];
      }),
  },
);

function store(
  context: RequestContext,
  topic: Topic,
  index: number,
  records: Buffer,
  { acks, transactionalId }: { readonly acks: number; readonly transactionalId: string | null },
): Produced {
  const { cluster, troubles, version } = context;
  const refusal = troubles.refusalOf(ErrorCode.topicAuthorizationFailed, topic.name, index);
  if (refusal !== ErrorCode.none) throw new Refusal(refusal, "the emulator was told to refuse this");
  const partition = ledPartition(context, topic, index);
  if (typeof partition === "number") throw new Refusal(partition, "another broker leads the partition, or there is none");
  const { config } = topic;
  if (acks === ALL_IN_SYNC_REPLICAS && cluster.inSyncReplicas(partition).length < config.minInSyncReplicas) {
    throw new Refusal(ErrorCode.notEnoughReplicas, "fewer replicas are in sync than the topic asks for");
  }
  const nowMs = Date.now();
  const batch = checkBatch(records, config, version, nowMs);
  if (troubles.spoils(topic.name, index)) cluster.spoiled.spoil(batch);
  cluster.spoiled.check(batch);
  if (batch.byteLength > config.segmentBytes) throw new Refusal(ErrorCode.recordListTooLarge, "a batch is larger than a segment may be");
  const { log } = partition;
  const logStartOffset = log.startOffset;
  const before = batch.producerId < 0n ? null : log.producers.check(batch);
  if (before === null) {
    if (batch.isTransactional) cluster.transactions.requirePartition(transactionalId, batch.producerId, topic.name, index);
    append(partition, batch, topic, nowMs);
  }
  const errorCode = troubles.codeAfter(topic.name, index);
  if (errorCode !== ErrorCode.none) return { index, errorCode, baseOffset: -1n };
  const baseOffset = before?.baseOffset ?? batch.baseOffset;
  const appendTimeMs = before?.maxTimestampMs ?? nowMs;
  return { index, errorCode, baseOffset, logStartOffset, ...(config.hasAppendTime ? { logAppendTimeMs: appendTimeMs } : {}) };
}

function append(partition: Partition, batch: ReturnType<typeof checkBatch>, { config }: Topic, nowMs: number): void {
  const { log } = partition;
  log.append(batch, partition.leaderEpoch, config, nowMs);
  if (batch.producerId >= 0n) log.producers.wrote(batch);
  if (batch.isTransactional) log.transactions.wrote(batch.producerId, batch.baseOffset);
  partition.changed();
}

function refused(error: unknown, topic: Topic | undefined, index: number): Produced {
  if (!(error instanceof Refusal)) throw error;
  const { errorCode, message, recordErrors } = error;
  const isMoved = errorCode === ErrorCode.notLeaderOrFollower;
  return {
    index,
    errorCode,
    baseOffset: -1n,
    recordErrors,
    errorMessage: message,
    ...(isMoved ? { currentLeader: currentLeader(topic, index) } : {}),
  };
}
