import type { DriverGap, StreamError } from "../../src/driver/index.ts";
import { errorOf, kafkaError, partitionError } from "./errors.ts";
import { EARLIEST, type KafkaClient, LATEST } from "./kafka-client.ts";
import { toPosition } from "./records.ts";

const OFFSET_OUT_OF_RANGE = 1;

/** Where somebody wanted to read. */
interface OutOfRange {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * What retention has taken from who reads at an offset that the leader has not.
 * @throws `position-out-of-range` where the log is shorter · a retryable error where the leader has the offset after all, and what the client throws
 */
export async function retentionGap(
  client: KafkaClient,
  leader: number,
  { topic, partition, offset }: OutOfRange,
  signal: AbortSignal,
): Promise<DriverGap> {
  const details = { topic, partition: String(partition) };
  const ask = async (timestamp: bigint): Promise<bigint> => {
    const request = { topic, readCommitted: false, partitions: [{ partition, timestamp }] };
    const [listed] = await client.listOffsets(leader, request, signal);
    if (listed === undefined || listed.errorCode !== 0) throw partitionError(listed?.errorCode ?? -1, "ListOffsets", topic, partition);
    return listed.offset;
  };
  const [first, end] = await Promise.all([ask(EARLIEST), ask(LATEST)]);
  if (offset > end) throw truncated({ topic, partition, offset }, end);
  // It may have been a replica that lagged behind: not at once again.
  if (offset >= first) throw errorOf(OFFSET_OUT_OF_RANGE, "Fetch", { ...details, retryable: true });
  return { resumesAt: toPosition(first), missing: Number(first - offset) };
}

/** What was read, or committed, is not in the log any more: others may stand in its place, which going on would leave out. */
export function truncated({ topic, partition, offset }: OutOfRange, endOffset: bigint): StreamError {
  return kafkaError(
    "position-out-of-range",
    `the log of partition "${partition}" was truncated to offset ${endOffset} by the election of a leader that lacked what followed; reading stood at ${offset}`,
    { topic, partition: String(partition) },
  );
}
