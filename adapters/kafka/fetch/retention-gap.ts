import type { DriverGap, StreamError } from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { EARLIEST, type KafkaClient, LATEST, type ListedOffset } from "../client/kafka-client.ts";
import { errorOf, kafkaError, partitionError } from "../errors.ts";
import { toPosition } from "../records.ts";

/** Of a partition that has had no other leader: no election can have taken anything from it. */
const FIRST_EPOCH = 0;

/** Where somebody wanted to read. */
interface OutOfRange {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Another client committed it: nothing of ours says that the log ever reached it. */
  readonly isForeign: boolean;
}

/**
 * What retention has taken from who reads at an offset that the leader has not.
 * @throws `position-out-of-range` where the log is shorter · a retryable error where the leader has the offset after all, and what the client throws
 */
export async function retentionGap(client: KafkaClient, leader: number, place: OutOfRange, signal: AbortSignal): Promise<DriverGap> {
  const { topic, partition, offset, isForeign } = place;
  const details = { topic, partition: String(partition) };
  const ask = async (timestamp: bigint): Promise<ListedOffset> => {
    const request = { topic, readCommitted: false, partitions: [{ partition, timestamp }] };
    const [listed] = await client.listOffsets(leader, request, signal);
    if (listed === undefined || listed.errorCode !== 0) throw partitionError(listed?.errorCode ?? -1, "ListOffsets", topic, partition);
    return listed;
  };
  const [{ offset: first }, { offset: end, leaderEpoch }] = await Promise.all([ask(EARLIEST), ask(LATEST)]);
  if (offset > end) throw isForeign ? behindEnd(place, end, leaderEpoch) : truncated(place, end);
  // It may have been a replica that lagged behind: not at once again.
  if (offset >= first) throw errorOf(ErrorNumber.OFFSET_OUT_OF_RANGE, "Fetch", { ...details, retryable: true });
  return { resumesAt: toPosition(first), missing: Number(first - offset) };
}

/** What was read, or committed, is not in the log any more: others may stand in its place, which going on would leave out. */
export function truncated({ topic, partition, offset }: Omit<OutOfRange, "isForeign">, endOffset: bigint): StreamError {
  return kafkaError(
    "position-out-of-range",
    `the log of partition "${partition}" was truncated to offset ${endOffset} by the election of a leader that lacked what followed; reading stood at ${offset}`,
    { topic, partition: String(partition) },
  );
}

/**
 * A group stands where the log does not reach to. Whether it ever did is known where we committed the place ourselves, and where the
 * partition has had one leader only.
 * @param leaderEpoch of the leader at present; `UNKNOWN_EPOCH` where it was not told
 */
export function behindEnd({ topic, partition, offset, isForeign }: OutOfRange, endOffset: bigint, leaderEpoch: number): StreamError {
  if (!isForeign) return truncated({ topic, partition, offset }, endOffset);
  const cause =
    leaderEpoch === FIRST_EPOCH
      ? "another client committed it, and nothing was ever stored there"
      : "another client committed it: either nothing was ever stored there, or the election of a leader that lacked the end of the log took it away";
  return kafkaError(
    "position-out-of-range",
    `the group stands at offset ${offset}, behind the end of partition "${partition}", which is ${endOffset}; ${cause}; reset the group`,
    { topic, partition: String(partition) },
  );
}
