import { clearTimeout, setTimeout } from "node:timers";
import { ErrorCode } from "../error-code.ts";
import { type LogSlice, NOTHING } from "../log/partition-log.ts";
import type { Partition } from "../topics/partition.ts";
import type { Topic } from "../topics/topic.ts";
import { type AnswerOf, type RequestOf, defineApi } from "../wire/api.ts";
import { struct } from "../wire/struct.ts";
import { array, int16, int32, int64, int8, nullableArray, nullableString, records, string, uuid } from "../wire/types.ts";
import { type RequestContext, type TopicSubject, handler } from "./handler.ts";
import { currentLeader, ledPartition } from "./led-partition.ts";
import { missingTopicCode, requestedTopic } from "./requested-topic.ts";

export const fetchApi = defineApi({
  name: "Fetch",
  key: 1,
  versions: [4, 18],
  flexibleFrom: 12,
  request: {
    replicaId: int32.until(14).or(-1),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32,
    isolationLevel: int8,
    sessionId: int32.since(7),
    sessionEpoch: int32.since(7).or(-1),
    topics: array(
      struct({
        topic: string.until(12),
        topicId: uuid.since(13),
        partitions: array(
          struct({
            partition: int32,
            currentLeaderEpoch: int32.since(9).or(-1),
            fetchOffset: int64,
            lastFetchedEpoch: int32.since(12).or(-1),
            logStartOffset: int64.since(5).or(-1n),
            partitionMaxBytes: int32,
          }),
        ),
      }),
    ),
    forgottenTopicsData: array(struct({ topic: string.until(12), topicId: uuid.since(13), partitions: array(int32) })).since(7),
    rackId: string.since(11),
  },
  answer: {
    throttleTimeMs: int32.or(0),
    errorCode: int16.since(7),
    sessionId: int32.since(7).or(0),
    responses: array(
      struct({
        topic: string.until(12),
        topicId: uuid.since(13),
        partitions: array(
          struct({
            partitionIndex: int32,
            errorCode: int16,
            highWatermark: int64,
            lastStableOffset: int64,
            logStartOffset: int64.since(5),
            divergingEpoch: struct({ epoch: int32.or(-1), endOffset: int64.or(-1n) })
              .since(12)
              .tagged(0),
            currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }).since(12).tagged(1),
            abortedTransactions: nullableArray(struct({ producerId: int64, firstOffset: int64 })),
            preferredReadReplica: int32.since(11).or(-1),
            records,
          }),
        ),
      }),
    ),
    nodeEndpoints: array(struct({ nodeId: int32, host: string, port: int32, rack: nullableString.or(null) }))
      .since(16)
      .tagged(0),
  },
});

type FetchRequest = RequestOf<typeof fetchApi>;
type FetchAnswer = AnswerOf<typeof fetchApi>;
type RequestedPartition = FetchRequest["topics"][number]["partitions"][number];
type FetchedPartition = FetchAnswer["responses"][number]["partitions"][number];

const READ_COMMITTED = 1;
const NO_SESSION = 0;
const UNKNOWN_EPOCH = -1;
/** Session epochs of a request without a session, and of a request for a new session. */
const FULL_EPOCHS: ReadonlySet<number> = new Set([-1, 0]);

export const fetch = handler(
  fetchApi,
  (request, context) => {
    const refusal = sessionRefusal(request);
    if (refusal !== ErrorCode.none) return { errorCode: refusal, sessionId: NO_SESSION, responses: [] };
    const first = read(request, context);
    if (first.isReady || request.maxWaitMs <= 0) return first.answer;
    return whenReady(request, context);
  },
  {
    topics: ({ topics }, cluster) =>
      topics.map(({ topic, topicId, partitions }): TopicSubject => {
        return [requestedTopic(cluster, { name: topic, topicId })?.name ?? topic, partitions.map(({ partition }) => partition)];
      }),
  },
);

/** The broker never creates a session, so every request names all its partitions. */
function sessionRefusal({ sessionId, sessionEpoch }: FetchRequest): number {
  return sessionId === NO_SESSION && FULL_EPOCHS.has(sessionEpoch) ? ErrorCode.none : ErrorCode.fetchSessionIdNotFound;
}

/** Waits until enough records have arrived, a partition has another leader, or the time is over. */
async function whenReady(request: FetchRequest, context: RequestContext): Promise<FetchAnswer> {
  const { cluster, gone } = context;
  const partitions = request.topics.flatMap(({ topic, topicId, partitions }) => {
    const found = requestedTopic(cluster, { name: topic, topicId });
    return partitions.flatMap(({ partition }) => found?.partitions[partition] ?? []);
  });
  const { promise, resolve } = Promise.withResolvers<FetchAnswer>();
  const readAgain = (): void => {
    const { isReady, answer } = read(request, context);
    if (isReady) resolve(answer);
  };
  const giveUp = (): void => resolve(read(request, context).answer);
  const timer = setTimeout(giveUp, request.maxWaitMs);
  gone.addEventListener("abort", giveUp, { once: true });
  for (const partition of partitions) partition.watch(readAgain);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    gone.removeEventListener("abort", giveUp);
    for (const partition of partitions) partition.unwatch(readAgain);
  }
}

/** The answer with the records that exist now. It is ready if it has enough bytes or an error. */
function read(request: FetchRequest, context: RequestContext): { readonly isReady: boolean; readonly answer: FetchAnswer } {
  let remaining = Math.min(request.maxBytes, context.cluster.properties.number("fetch.max.bytes"));
  let byteLength = 0;
  let hasFailed = false;
  const responses = request.topics.map(({ topic: name, topicId, partitions }) => {
    const topic = requestedTopic(context.cluster, { name, topicId });
    const read = partitions.map((requested): FetchedPartition => {
      const partition = readablePartition(context, topic, requested, missingTopicCode({ name, topicId }));
      if (typeof partition === "number") {
        hasFailed = true;
        return failed(requested, partition, topic);
      }
      const diverging = divergingEpoch(partition, requested);
      if (typeof diverging === "number") {
        hasFailed = true;
        return failed(requested, diverging, topic);
      }
      if (diverging !== null) {
        hasFailed = true;
        return { ...fetched(partition, requested, NOTHING, false), divergingEpoch: diverging };
      }
      const limit = request.isolationLevel === READ_COMMITTED ? partition.log.lastStableOffset : partition.log.endOffset;
      const slice = partition.log.read(requested.fetchOffset, limit, Math.min(remaining, requested.partitionMaxBytes), byteLength === 0);
      remaining = Math.max(0, remaining - slice.byteLength);
      byteLength += slice.byteLength;
      return fetched(partition, requested, slice, request.isolationLevel === READ_COMMITTED);
    });
    return { topic: name, topicId, partitions: read };
  });
  return { isReady: hasFailed || byteLength >= request.minBytes, answer: { errorCode: ErrorCode.none, sessionId: NO_SESSION, responses } };
}

function readablePartition(
  context: RequestContext,
  topic: Topic | undefined,
  { partition: index, currentLeaderEpoch, fetchOffset, lastFetchedEpoch }: RequestedPartition,
  missingCode: number,
): Partition | number {
  if (topic === undefined) return missingCode;
  const refusal = context.faults.refusalOf(ErrorCode.topicAuthorizationFailed, topic.name, index);
  if (refusal !== ErrorCode.none) return refusal;
  const partition = ledPartition(context, topic, index, currentLeaderEpoch);
  if (typeof partition === "number") return partition;
  const { startOffset, endOffset } = partition.log;
  // A client that names its last epoch gets the end of that epoch instead of an error.
  const isTooFar = lastFetchedEpoch === UNKNOWN_EPOCH && fetchOffset > endOffset;
  return fetchOffset < startOffset || isTooFar ? ErrorCode.offsetOutOfRange : partition;
}

/** Where the log and the records that the client has read diverge; `null`: nowhere. An error code if that is unknown. */
function divergingEpoch(
  { log }: Partition,
  { fetchOffset, lastFetchedEpoch }: RequestedPartition,
): FetchedPartition["divergingEpoch"] | number | null {
  if (lastFetchedEpoch === UNKNOWN_EPOCH) return null;
  const end = log.epochs.endOf(lastFetchedEpoch, log.endOffset);
  if (end === null) return ErrorCode.offsetOutOfRange;
  const { leaderEpoch: epoch, endOffset } = end;
  return epoch < lastFetchedEpoch || endOffset < fetchOffset ? { epoch, endOffset } : null;
}

function fetched({ index, log }: Partition, { fetchOffset }: RequestedPartition, slice: LogSlice, isCommitted: boolean): FetchedPartition {
  const { endOffset, lastStableOffset, startOffset } = log;
  const aborted = isCommitted && slice.byteLength > 0 ? log.transactions.abortedBetween(fetchOffset, lastStableOffset) : [];
  return {
    partitionIndex: index,
    errorCode: ErrorCode.none,
    highWatermark: endOffset,
    lastStableOffset,
    logStartOffset: startOffset,
    abortedTransactions: isCommitted ? aborted : null,
    records: slice.pieces,
  };
}

function failed({ partition }: RequestedPartition, errorCode: number, topic: Topic | undefined): FetchedPartition {
  const wasLookedUp = topic?.partitions[partition] !== undefined && errorCode !== ErrorCode.topicAuthorizationFailed;
  const isMoved = errorCode === ErrorCode.notLeaderOrFollower || errorCode === ErrorCode.fencedLeaderEpoch;
  return {
    partitionIndex: partition,
    errorCode,
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    abortedTransactions: wasLookedUp ? null : [],
    records: [],
    ...(isMoved ? { currentLeader: currentLeader(topic, partition) } : {}),
  };
}
