import type { ConsumerSettings } from "../../../src/driver/index.ts";
import { EARLIEST, type GroupMember, KafkaProtocolError } from "../client/kafka-client.ts";
import { pause } from "../client/waiting.ts";
import { groupNotFound } from "../errors.ts";
import type { OffsetLookup } from "../fetch/offset-lookup.ts";
import { type LogPlace, placesFrom } from "../fetch/read-epochs.ts";
import { type TopicSnapshot, startPlaces } from "../topic-directory.ts";
import type { GroupOffsets } from "./group-offsets.ts";

const FIRST_RETRY_DELAY_MS = 10;
const MAX_RETRY_DELAY_MS = 200;

export interface StartContext {
  readonly lookup: OffsetLookup;
  readonly offsets: GroupOffsets;
  readonly settings: ConsumerSettings;
  readonly known: () => TopicSnapshot;
  readonly member: () => GroupMember;
  /** Does this member own the topic's first partition? Its owner decides where a new group starts. */
  readonly isFirst: () => boolean;
  /** Does the member still want one of the partitions? */
  readonly isWanted: () => boolean;
}

/**
 * Finds where a member starts in newly assigned partitions: at the group's committed offsets. If the group has no committed offsets,
 * the owner of the first partition resolves the initial position of all partitions and commits it in one request, which is stored as
 * a whole or not at all. The other members wait for that commit. If the group has offsets for other partitions only, the partition is
 * newer than the group. It starts at its beginning, and that offset is committed as well.
 * @returns an empty map if the member wants none of the partitions any longer
 * @throws `not-found` if the group has no offsets and the initial position is `fail` · `KafkaProtocolError` if the member is fenced
 */
export async function startOffsets(
  context: StartContext,
  partitions: readonly number[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, LogPlace>> {
  const { lookup, offsets, settings, known } = context;
  for (let retryDelayMs = FIRST_RETRY_DELAY_MS; context.isWanted(); retryDelayMs = Math.min(MAX_RETRY_DELAY_MS, retryDelayMs * 2)) {
    const topic = known();
    const committed = await offsets.committed(topic.partitions, signal);
    if (committed.size > 0) {
      const added = partitions.filter((partition) => !committed.has(partition));
      const beginnings = placesFrom(await lookup.list(topic, new Map(added.map((partition) => [partition, EARLIEST])), signal));
      await commitAll(context, beginnings, signal);
      return new Map([...committed, ...beginnings]);
    }
    if (settings.initialPosition === "fail") throw groupNotFound(topic.topic, settings.group);
    if (context.isFirst()) {
      const resolved = placesFrom(await lookup.resolve(topic, startPlaces(topic, settings.initialPosition), signal));
      await commitAll(context, resolved, signal);
      return resolved;
    }
    await pause(retryDelayMs, signal);
    signal.throwIfAborted();
  }
  return new Map();
}

async function commitAll({ offsets, member }: StartContext, places: ReadonlyMap<number, LogPlace>, signal: AbortSignal): Promise<void> {
  if (places.size === 0) return;
  const codes = await offsets.commit(member(), places, signal);
  for (const errorCode of codes.values()) if (errorCode !== 0) throw new KafkaProtocolError("OffsetCommit", errorCode);
}
