import type { FetchRequest, KafkaClient } from "../client/kafka-client.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { partitionError } from "../errors.ts";
import { firstBatchSince } from "../log/batch-times.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { UNKNOWN_EPOCH } from "./read-epochs.ts";

/** Of one fetch. A server returns at least one whole batch, even if it is larger. */
const FETCH_BYTES = 1_048_576;

/** What a server answers if it has to read a damaged batch to find a time. It depends on what is damaged. */
const DAMAGE_CODES: ReadonlySet<number> = new Set([
  ErrorNumber.UNKNOWN_SERVER_ERROR,
  ErrorNumber.CORRUPT_MESSAGE,
  ErrorNumber.INVALID_RECORD,
]);

export function isDamageCode(errorCode: number): boolean {
  return DAMAGE_CODES.has(errorCode);
}

/**
 * Finds a time that the server cannot find, because the first batch with a record stored at or after it is damaged. The headers of the
 * batches tell which one that is. An earlier time, which the server can find, is the place from where on the headers are read.
 * @param find the offset of the first record stored at or after a time; `null` if the server cannot find it either
 * @param end the last stable offset
 * @returns the first offset of the damaged batch, so that a reader reports it as unreadable; `end` if no batch is as late as that
 */
export async function findDamagedTime(
  client: KafkaClient,
  topic: TopicSnapshot,
  { partition, time, first, end }: { partition: number; time: bigint; first: bigint; end: bigint },
  find: (time: bigint) => Promise<bigint | null>,
  signal: AbortSignal,
): Promise<bigint> {
  let offset: bigint | null = null;
  for (let step = 1n; offset === null && step <= time; step *= 2n) offset = await find(time - step);
  if (offset === null || offset < first) offset = first;
  while (offset < end) {
    const asked = { partition, fetchOffset: offset, lastFetchedEpoch: UNKNOWN_EPOCH, maxBytes: FETCH_BYTES };
    const request: FetchRequest = {
      topic: topic.topic,
      topicId: topic.topicId,
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      readCommitted: true,
      partitions: [asked],
    };
    const [answer] = await client.fetch(topic.leaderOf(partition), request, signal);
    const errorCode = answer?.errorCode ?? ErrorNumber.UNKNOWN_SERVER_ERROR;
    // The server cannot read its own log there: this is the damage, and a reader says so.
    if (errorCode === ErrorNumber.CORRUPT_MESSAGE) return offset;
    if (errorCode !== 0) throw partitionError(errorCode, "Fetch", topic.topic, partition);
    const { found, nextOffset } = firstBatchSince(answer!.batches, offset, time);
    if (found !== null) return found;
    // Nothing more can be told from the headers.
    if (nextOffset === offset) return offset;
    offset = nextOffset;
  }
  return end;
}
