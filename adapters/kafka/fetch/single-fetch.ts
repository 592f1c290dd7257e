import { ErrorNumber } from "../client/error-codes.ts";
import type { FetchRequest, FetchedPartition, KafkaClient } from "../client/kafka-client.ts";
import { kafkaError, partitionError } from "../errors.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { UNKNOWN_EPOCH } from "./read-epochs.ts";

/** One place in one partition. */
export interface FetchPlace {
  readonly partition: number;
  readonly offset: bigint;
  /** A server returns at least one whole batch, even if it is larger. */
  readonly maxBytes: number;
}

/** `unreadable`: the server cannot read its own log there. `out-of-range`: the offset is not in the log of the server that has answered. */
export type SingleFetch = FetchedPartition | "unreadable" | "out-of-range";

/**
 * Fetches one partition at one place, once and at once, outside the reading of the partition.
 * @throws any other error of the partition, and any error of the client
 */
export async function fetchOnce(
  client: KafkaClient,
  { topic, topicId, leaderOf }: TopicSnapshot,
  { partition, offset, maxBytes }: FetchPlace,
  signal: AbortSignal,
): Promise<SingleFetch> {
  const leader = leaderOf(partition);
  if (leader < 0) throw kafkaError("unavailable", "a partition has no leader at present", { topic, partition: String(partition) });
  const request: FetchRequest = {
    topic,
    topicId,
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes,
    readCommitted: true,
    partitions: [{ partition, fetchOffset: offset, lastFetchedEpoch: UNKNOWN_EPOCH, maxBytes }],
  };
  const [answer] = await client.fetch(leader, request, signal);
  if (answer === undefined) throw partitionError(ErrorNumber.UNKNOWN_SERVER_ERROR, "Fetch", topic, partition);
  const { errorCode } = answer;
  if (errorCode === ErrorNumber.CORRUPT_MESSAGE) return "unreadable";
  if (errorCode === ErrorNumber.OFFSET_OUT_OF_RANGE) return "out-of-range";
  if (errorCode !== 0) throw partitionError(errorCode, "Fetch", topic, partition);
  return answer;
}

/** The server has stored records at this offset, but its answer has none of them. */
export function withholdsRecords({ errorCode, divergingEpoch, batches, lastStableOffset }: FetchedPartition, offset: bigint): boolean {
  return errorCode === 0 && divergingEpoch === null && batches.length === 0 && offset < lastStableOffset;
}
