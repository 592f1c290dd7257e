import { pause } from "../../../src/adapter-kit/index.ts";
import type { ConsumerSettings } from "../../../src/driver/index.ts";
import { EARLIEST, type GroupMember, KafkaProtocolError } from "../client/kafka-client.ts";
import { groupNotFound } from "../errors.ts";
import type { OffsetLookup } from "../fetch/offset-lookup.ts";
import { placeFrom } from "../fetch/read-epochs.ts";
import { type TopicSnapshot, startPlaces } from "../topic-directory.ts";
import { newNote } from "./commit-metadata.ts";
import type { CommittedPlace, GroupOffsets, StoredCommit } from "./group-offsets.ts";

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
): Promise<ReadonlyMap<number, CommittedPlace>> {
  const { lookup, offsets, settings, known } = context;
  for (let retryDelayMs = FIRST_RETRY_DELAY_MS; context.isWanted(); retryDelayMs = Math.min(MAX_RETRY_DELAY_MS, retryDelayMs * 2)) {
    const topic = known();
    const committed = await offsets.committed(topic.partitions, signal);
    if (committed.size > 0) {
      const added = partitions.filter((partition) => !committed.has(partition));
      const beginnings = await lookup.list(topic, new Map(added.map((partition) => [partition, EARLIEST])), signal);
      return new Map([...committed, ...(await commitAll(context, beginnings, signal))]);
    }
    if (settings.initialPosition === "fail") throw groupNotFound(topic.topic, settings.group);
    if (context.isFirst()) {
      return commitAll(context, await lookup.resolve(topic, startPlaces(topic, settings.initialPosition), signal), signal);
    }
    await pause(retryDelayMs, signal);
    signal.throwIfAborted();
  }
  return new Map();
}

async function commitAll(
  { offsets, member }: StartContext,
  resolved: ReadonlyMap<number, bigint>,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, CommittedPlace>> {
  if (resolved.size === 0) return new Map();
  const places = new Map([...resolved].map(([partition, offset]) => [partition, { ...placeFrom(offset), note: newNote(), ahead: null }]));
  const sent = new Map<number, StoredCommit>();
  const codes = await offsets.commit(member(), places, signal, (partition, commit) => sent.set(partition, commit));
  for (const errorCode of codes.values()) if (errorCode !== 0) throw new KafkaProtocolError("OffsetCommit", errorCode);
  return new Map([...places].map(([partition, place]) => [partition, { ...place, stored: sent.get(partition)! }]));
}
