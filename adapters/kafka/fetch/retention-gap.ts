import type { StreamError } from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { EARLIEST, type KafkaClient, LATEST, type ListedOffset } from "../client/kafka-client.ts";
import { errorOf, kafkaError, partitionError } from "../errors.ts";

/** The epoch of the first leader. No election can have truncated the log before. */
const FIRST_EPOCH = 0;

/** A place that is not in the log. */
interface OutOfRange {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Another client committed the offset, so the log may never have reached it. */
  readonly isForeign: boolean;
}

/** Records that retention has deleted. */
export interface RetentionGap {
  /** The first offset that is left, or the end of the log. */
  readonly resumesAt: bigint;
  readonly missing: number;
}

/**
 * The records that retention has deleted between the reader's offset and the start of the log.
 * @throws `position-out-of-range` if the log is shorter · a retryable error if the leader has the offset after all · any error of the client
 */
export async function retentionGap(client: KafkaClient, leader: number, place: OutOfRange, signal: AbortSignal): Promise<RetentionGap> {
  const { topic, partition, offset, isForeign } = place;
  const details = { topic, partition: String(partition) };
  const ask = async (timestamp: bigint): Promise<ListedOffset> => {
    const request = { topic, readCommitted: false, partitions: [{ partition, timestamp }] };
    const [listed] = await client.listOffsets(leader, request, signal);
    if (listed === undefined || listed.errorCode !== 0) throw partitionError(listed?.errorCode ?? -1, "ListOffsets", topic, partition);
    return listed;
  };
  const [{ offset: first }, { offset: end, leaderEpoch }] = await Promise.all([ask(EARLIEST), ask(LATEST)]);
  if (offset > end) throw isForeign ? offsetAfterEnd(place, end, leaderEpoch) : truncated(place, end);
  // A replica that lags behind may have answered. The fetch is retried after a back-off.
  if (offset >= first) throw errorOf(ErrorNumber.OFFSET_OUT_OF_RANGE, "Fetch", { ...details, retryable: true });
  return { resumesAt: first, missing: Number(first - offset) };
}

/** Records that were read or committed are no longer in the log. Others may have their offsets, and continuing would skip those. */
export function truncated({ topic, partition, offset }: Omit<OutOfRange, "isForeign">, endOffset: bigint): StreamError {
  return kafkaError(
    "position-out-of-range",
    `the log of partition "${partition}" was truncated to offset ${endOffset} by the election of a leader that lacked the later records; the next offset to read was ${offset}`,
    { topic, partition: String(partition) },
  );
}

/**
 * The committed offset of a group is after the end of the log. The log certainly reached it if this client committed it. It certainly
 * did not if another client committed it and the partition has had only one leader.
 * @param leaderEpoch the epoch of the present leader, or `UNKNOWN_EPOCH`
 */
export function offsetAfterEnd({ topic, partition, offset, isForeign }: OutOfRange, endOffset: bigint, leaderEpoch: number): StreamError {
  if (!isForeign) return truncated({ topic, partition, offset }, endOffset);
  const cause =
    leaderEpoch === FIRST_EPOCH
      ? "another client committed it, and nothing was ever stored there"
      : "another client committed it: either nothing was ever stored there, or the election of a leader that lacked the end of the log removed it";
  return kafkaError(
    "position-out-of-range",
    `the group's offset ${offset} is after the end of partition "${partition}", which is ${endOffset}; ${cause}; reset the group`,
    { topic, partition: String(partition) },
  );
}
