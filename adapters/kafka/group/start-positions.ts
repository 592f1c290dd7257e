import type { ConsumerSettings } from "../../../src/driver/index.ts";
import { EARLIEST, type GroupMember, KafkaProtocolError } from "../client/kafka-client.ts";
import { pause } from "../client/waiting.ts";
import { groupNotFound } from "../errors.ts";
import type { OffsetLookup } from "../fetch/offset-lookup.ts";
import { type LogPlace, placesFrom } from "../fetch/read-epochs.ts";
import { type TopicSnapshot, startPlaces } from "../topic-directory.ts";
import type { GroupOffsets } from "./group-offsets.ts";

const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 200;

export interface StartContext {
  readonly lookup: OffsetLookup;
  readonly offsets: GroupOffsets;
  readonly settings: ConsumerSettings;
  readonly known: () => TopicSnapshot;
  readonly member: () => GroupMember;
  /** Does this member own the topic's first partition? Whoever does decides where the group starts. */
  readonly isFirst: () => boolean;
  /** Is any of what was asked for still to be begun? */
  readonly isWanted: () => boolean;
}

/**
 * Where a member begins in partitions that it has just got: where the group stands. Where the group stands nowhere, the owner of
 * the first partition resolves the initial position of all partitions and commits them in one request, which is stored as a whole
 * or not at all; everybody else waits for that. A partition that the group knows nothing of, but others it does, is younger than the
 * group and begins at its beginning; that is committed as well.
 * @returns nothing when nothing is wanted any more
 * @throws `not-found` where the group stands nowhere and shall not · `KafkaProtocolError` where the member is not current any more
 */
export async function startOffsets(
  context: StartContext,
  partitions: readonly number[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, LogPlace>> {
  const { lookup, offsets, settings, known } = context;
  for (let lookAgainMs = FIRST_RETRY_MS; context.isWanted(); lookAgainMs = Math.min(LONGEST_RETRY_MS, lookAgainMs * 2)) {
    const topic = known();
    const committed = await offsets.committed(topic.partitions, signal);
    if (committed.size > 0) {
      const young = partitions.filter((partition) => !committed.has(partition));
      const beginnings = placesFrom(await lookup.list(topic, new Map(young.map((partition) => [partition, EARLIEST])), signal));
      await commitAll(context, beginnings, signal);
      return new Map([...committed, ...beginnings]);
    }
    if (settings.initialPosition === "fail") throw groupNotFound(topic.topic, settings.group);
    if (context.isFirst()) {
      const resolved = placesFrom(await lookup.resolve(topic, startPlaces(topic, settings.initialPosition), signal));
      await commitAll(context, resolved, signal);
      return resolved;
    }
    await pause(lookAgainMs, signal);
    signal.throwIfAborted();
  }
  return new Map();
}

async function commitAll({ offsets, member }: StartContext, places: ReadonlyMap<number, LogPlace>, signal: AbortSignal): Promise<void> {
  if (places.size === 0) return;
  const codes = await offsets.commit(member(), places, signal);
  for (const errorCode of codes.values()) if (errorCode !== 0) throw new KafkaProtocolError("OffsetCommit", errorCode);
}
