import type { Connection } from "../../connection-types.ts";
import { StreamError } from "../../errors.ts";
import { decodeBookmark, encodeBookmark, identityOfBookmark } from "../../position/bookmark.ts";
import type { PartitionPlace } from "../../position/place.ts";
import { decodePosition } from "../../position/position.ts";
import type { From } from "../../position/range-types.ts";
import type { Topic } from "../../topic-types.ts";
import { bytesTopic } from "./with-connection.ts";

const FIRST_AGE_MS = 1_000;
const OLDER = 10;
const PARTITIONS_AT_ONCE = 8;

/** The last messages of each partition: their begin, and the end of the log when it was read. */
export interface LastMessages {
  readonly from: From & { readonly bookmark: string };
  readonly until: { readonly bookmark: string };
}

/**
 * Finds the last `count` messages of each partition. Offsets of a provider need not count messages, so this reads: the messages since some
 * time are the end of a log, and their number is known once they are read. It tries earlier and earlier times, and times between two of them
 * if too many messages were stored.
 * @param partitions only these; `undefined`: all
 * @throws `unsupported` if readers cannot start at a time and at a position
 */
export async function lastMessages(
  connection: Connection,
  topicName: string,
  count: number,
  partitions: readonly string[] | undefined,
): Promise<LastMessages> {
  const { provider, capabilities } = connection;
  for (const capability of ["startAtTimestamp", "startAtPosition", "endAtBookmark"] as const) {
    if (capabilities[capability]) continue;
    throw new StreamError("unsupported", `${provider} cannot be asked for the last messages (${capability})`, { provider, capability });
  }
  const names = partitions ?? (await connection.admin.describeTopic(topicName)).partitions;
  const topic = bytesTopic(connection, topicName);
  const ends = new Map<string, LogEnd>();
  const waiting = [...names];
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) ends.set(name, await endOfLog(topic, name, count));
  };
  await Promise.all(Array.from({ length: PARTITIONS_AT_ONCE }, work));
  const identity = identityOfBookmark([...ends.values()][0]!.bookmark);
  const begins = new Map<string, PartitionPlace>();
  const closes = new Map<string, PartitionPlace>();
  for (const [partition, { first, bookmark }] of ends) {
    const end = decodeBookmark(bookmark, provider, identity).get(partition) ?? { kind: "latest" };
    closes.set(partition, end);
    begins.set(partition, first === null ? end : { kind: "at", position: first });
  }
  return {
    from: { bookmark: encodeBookmark(provider, identity, begins) },
    until: { bookmark: encodeBookmark(provider, identity, closes) },
  };
}

interface LogEnd {
  /** The driver's position of the first of the last messages; `null` if there is none. */
  readonly first: string | null;
  /** Behind the last. */
  readonly bookmark: string;
}

async function endOfLog(topic: Topic<Uint8Array | null>, partition: string, count: number): Promise<LogEnd> {
  const nowMs = Date.now();
  const limit = Math.max(10_000, OLDER * count);
  let tooFewMs = 0;
  let tooManyMs = Infinity;
  for (let ageMs = FIRST_AGE_MS; ;) {
    const isEarliest = ageMs >= nowMs;
    // There is no time between these two, so all messages have to be read.
    const isExact = tooManyMs - tooFewMs <= 1;
    const found = await readEnd(
      topic,
      partition,
      isEarliest ? "earliest" : { timestamp: nowMs - ageMs },
      count,
      isExact ? Infinity : limit,
    );
    if (found === null) tooManyMs = Math.min(ageMs, nowMs);
    else if (found.isEnough || isEarliest) return found;
    else tooFewMs = ageMs;
    ageMs = tooManyMs === Infinity ? ageMs * OLDER : Math.max(tooFewMs + 1, Math.floor((tooFewMs + tooManyMs) / 2));
  }
}

/** @returns `null` if more messages than the limit were stored since `from` */
async function readEnd(
  topic: Topic<Uint8Array | null>,
  partition: string,
  from: From,
  count: number,
  limit: number,
): Promise<(LogEnd & { readonly isEnough: boolean }) | null> {
  // What cannot be read is not counted. If it lies among the last messages, the reading of them reports it.
  const reader = topic.reader({ from, until: "now", partitions: [partition], onCorrupt: () => undefined });
  /** A ring of the last `count` positions. Once it is full, the oldest is at `kept % count`. */
  const last: string[] = [];
  let kept = 0;
  let read = 0;
  for await (const messages of reader.batches()) {
    for (const message of messages.slice(-count)) last[kept++ % count] = message.position;
    read += messages.length;
    if (read > limit) return null;
  }
  const first = last.length < count ? last[0] : last[kept % count];
  return {
    first: first === undefined ? null : decodePosition(first).position,
    bookmark: await reader.bookmark(),
    isEnough: read >= count,
  };
}
