import type { KafkaClient } from "../client/kafka-client.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { errorOf } from "../errors.ts";
import { firstBatchSince } from "../log/batch-times.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { fetchOnce } from "./single-fetch.ts";

/** Of one fetch. */
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

/** Of one partition: the time that is looked for, and the bounds of the log. */
interface TimeSearch {
  readonly partition: number;
  readonly time: bigint;
  readonly first: bigint;
  /** The last stable offset. */
  readonly end: bigint;
}

/**
 * Checks the answer of a server that there is no record at or after a time. Where the length of a batch is damaged, the server can take
 * that batch for the end of the log, and its answer is wrong. One request reads the header of the last batch.
 * @returns `false` if the last batch is earlier than the time; `true` if it is not, or if the server cannot read it
 */
export async function isTimeMissed(client: KafkaClient, topic: TopicSnapshot, search: TimeSearch, signal: AbortSignal): Promise<boolean> {
  const { partition, time, first, end } = search;
  if (first >= end) return false;
  const batches = await fetchBatches(client, topic, partition, end - 1n, signal);
  if (batches === null) return true;
  const { found, nextOffset } = firstBatchSince(batches, end - 1n, time);
  return found !== null || nextOffset < end;
}

/**
 * Finds a time that the server cannot find, because it has to read a damaged batch for that. The headers of the batches show where the time
 * is. An earlier time, which the server can find, is the place from where on the headers are read.
 * @param find the offset of the first record stored at or after a time; `null` if the server cannot find it either
 * @returns the first offset of the first batch that is as late as the time, or of what is unreadable before it, so that a reader reports
 * that; `end` if there is none
 */
export async function findDamagedTime(
  client: KafkaClient,
  topic: TopicSnapshot,
  { partition, time, first, end }: TimeSearch,
  find: (time: bigint) => Promise<bigint | null>,
  signal: AbortSignal,
): Promise<bigint> {
  let offset: bigint | null = null;
  for (let step = 1n; offset === null && step <= time; step *= 2n) offset = await find(time - step);
  if (offset === null || offset < first) offset = first;
  while (offset < end) {
    const batches = await fetchBatches(client, topic, partition, offset, signal);
    if (batches === null) return offset;
    const { found, nextOffset } = firstBatchSince(batches, offset, time);
    if (found !== null) return found;
    // The server sends no batch from here, so a reader starts here and reports what is unreadable.
    if (nextOffset === offset) return offset;
    offset = nextOffset;
  }
  return end;
}

/** @returns `null` if the server cannot read its own log at that offset */
async function fetchBatches(
  client: KafkaClient,
  topic: TopicSnapshot,
  partition: number,
  offset: bigint,
  signal: AbortSignal,
): Promise<Buffer | null> {
  const fetched = await fetchOnce(client, topic, { partition, offset, maxBytes: FETCH_BYTES }, signal);
  if (fetched === "unreadable") return null;
  // Retention has deleted it meanwhile, or a replica that lags behind has answered. A retry looks up the bounds of the log again.
  if (fetched === "out-of-range") {
    throw errorOf(ErrorNumber.OFFSET_OUT_OF_RANGE, "Fetch", { topic: topic.topic, partition: String(partition), retryable: true });
  }
  return fetched.batches;
}
