import { RetryBackoff, retrying } from "../../../src/adapter-kit/index.ts";
import type { Report } from "../../../src/driver/index.ts";
import { type KafkaClient, LATEST } from "../client/kafka-client.ts";
import { classify } from "../errors.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { OffsetLookup } from "./offset-lookup.ts";
import { fetchOnce, withholdsRecords } from "./single-fetch.ts";

/** The partition whose log its leader cannot read. */
export interface UnreadablePartition {
  readonly partition: number;
  /** The first unreadable offset. */
  readonly first: bigint;
  /** As it is known now. */
  readonly topic: () => TopicSnapshot;
  /** Looks up the leaders after a failure. @throws `not-found` if the topic was deleted */
  readonly refreshTopic: () => Promise<void>;
}

/**
 * A server that cannot read its own log does not report how far the damage goes. So each following offset is fetched, up to the
 * first readable one, so that no readable record is skipped. An offset that is no longer in the log ends the search as well: the reading
 * meets it next, and reports what retention has deleted, or what an election has truncated.
 * @returns the last unreadable offset
 */
export async function lastUnreadable(
  client: KafkaClient,
  report: Report,
  { partition, first, topic, refreshTopic }: UnreadablePartition,
  signal: AbortSignal,
): Promise<bigint> {
  const backoff = new RetryBackoff({ report, topic: topic().topic, classify });
  const retried = <Answer>(operation: string, ask: () => Promise<Answer>): Promise<Answer> =>
    retrying(operation, backoff, signal, async () => {
      try {
        return await ask();
      } catch (error) {
        await refreshTopic();
        throw error;
      }
    });
  const lookup = new OffsetLookup(client);
  const ends = await retried("ListOffsets", () => lookup.list(topic(), new Map([[partition, LATEST]]), signal));
  let last = first;
  while (last + 1n < ends.get(partition)!) {
    const place = { partition, offset: last + 1n, maxBytes: 1 };
    const fetched = await retried("Fetch", () => fetchOnce(client, topic(), place, signal));
    if (fetched !== "unreadable" && (fetched === "out-of-range" || !withholdsRecords(fetched, place.offset))) break;
    last = place.offset;
  }
  return last;
}
