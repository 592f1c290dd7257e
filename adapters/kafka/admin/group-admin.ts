import type {
  DriverGroupDescription,
  GroupName,
  Lag,
  LagRequest,
  ListedGroup,
  PartitionPlace,
  StartPoint,
  TopicIdentity,
} from "../../../src/driver/index.ts";
import { ErrorNumber } from "../client/error-codes.ts";
import { type DescribedGroup, KafkaProtocolError, LATEST } from "../client/kafka-client.ts";
import { classify, errorOf, groupNotFound, kafkaError } from "../errors.ts";
import { epochsBetween } from "../fetch/epochs-between.ts";
import { type LogBounds, OffsetLookup } from "../fetch/offset-lookup.ts";
import { type LogPlace, UNKNOWN_EPOCH, placeFrom, placesFrom, sameUntil } from "../fetch/read-epochs.ts";
import { offsetAfterEnd, truncated } from "../fetch/retention-gap.ts";
import { aheadOffsets, aheadPositions } from "../group/ahead-positions.ts";
import { Coordinator } from "../group/coordinator.ts";
import { groupOfNativeName, nativeGroupName } from "../group/group-name.ts";
import { type CommittedPlace, GroupOffsets, type PlaceToCommit } from "../group/group-offsets.ts";
import { subscribedTopics } from "../group/member-metadata.ts";
import { newNote } from "../group/commit-metadata.ts";
import { deleteOrigin, isCompanion, storeOrigin } from "../group/group-origin.ts";
import { distancesWithin } from "../group/handled-distances.ts";
import { warnOfNamesake } from "../group/native-namesake.ts";
import { toOffset, toPosition } from "../records.ts";
import type { KafkaService } from "../service.ts";
import { type TopicSnapshot, startPlaces } from "../topic-directory.ts";
import { change } from "./change.ts";

const CONSUMER_GROUP = "consumer";
/** A cluster can have hundreds of groups. One at a time, they would exceed the time limit of a call. */
const CONCURRENT_LOOK_UPS = 16;

/** A group on one topic, as the cluster described it at one moment. */
interface FoundGroup {
  readonly known: TopicSnapshot;
  readonly native: string;
  readonly described: DescribedGroup;
  /** Next offsets by partition. */
  readonly committed: ReadonlyMap<number, CommittedPlace>;
}

/** Where a group stands, or would start. */
interface StartingPoints {
  readonly known: TopicSnapshot;
  readonly committed: ReadonlyMap<number, LogPlace>;
  /** What it has stored, with what it has handled ahead. */
  readonly handled: ReadonlyMap<number, CommittedPlace>;
}

/** The offsets that a reset will commit. */
interface PlannedReset extends Pick<FoundGroup, "known" | "native" | "described"> {
  /** The group has no committed offsets yet. */
  readonly isNew: boolean;
  /** Next offsets by partition. */
  readonly offsets: ReadonlyMap<number, bigint>;
}

/** Lists, describes, resets and deletes groups on a topic, and measures their lag. */
export class GroupAdmin {
  readonly #service: KafkaService;
  readonly #offsets: OffsetLookup;

  constructor(service: KafkaService) {
    this.#service = service;
    this.#offsets = new OffsetLookup(service.client);
  }

  async list(topic: string, signal: AbortSignal): Promise<ListedGroup[]> {
    const { client, directory } = this.#service;
    const known = await directory.fetch(topic, signal);
    const { brokers } = await client.metadata([], signal);
    const listed = await Promise.all(brokers.map(({ brokerId }) => client.listGroups(brokerId, signal)));
    const consumers = listed.flat().filter(({ protocolType }) => protocolType === CONSUMER_GROUP || protocolType === "");
    // While a group moves to another broker, both brokers may list it.
    const waiting = new Set(consumers.map(({ group }) => group).filter((group) => !isCompanion(group))).values();
    const onTopic: ListedGroup[] = [];
    const describeSome = async (): Promise<void> => {
      for (const native of waiting) {
        const { described, committed } = await this.#describe(known, native, signal);
        if (committed.size > 0 || membersOn(topic, described, native.startsWith(`${topic}.`)) > 0) {
          onTopic.push({ group: groupOfNativeName(topic, native), nativeGroup: native });
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_LOOK_UPS }, describeSome));
    return onTopic;
  }

  async describe(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    const { known, native, described, committed } = await this.#find(topic, name, signal);
    const identity: TopicIdentity = known.identity;
    const places = new Map<string, PartitionPlace>(
      known.partitions.map((partition) => {
        const offset = committed.get(partition)?.offset;
        // If a group has any committed offset, partitions without one start at their beginning.
        return [String(partition), offset === undefined ? { kind: "earliest" } : { kind: "at", position: toPosition(offset) }];
      }),
    );
    const ahead = new Map(
      [...committed].flatMap(([partition, { offset, ahead: handled }]) =>
        handled === null ? [] : [[String(partition), aheadPositions(offset, handled)] as const],
      ),
    );
    return {
      nativeName: native,
      members: membersOn(topic, described, true),
      identity,
      places: committed.size === 0 ? null : places,
      ahead,
    };
  }

  async planReset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    const { offsets } = await this.#planned(topic, name, to, signal);
    return new Map([...offsets].map(([partition, offset]) => [String(partition), { kind: "at", position: toPosition(offset) }]));
  }

  async reset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    const { known, native, described, isNew, offsets } = await this.#planned(topic, name, to, signal);
    requireNoMembers(native, described, topic);
    // The same for all partitions: the origin belongs to this reset.
    const note = newNote();
    if (to.kind === "places" && to.origin !== undefined) {
      const origin = { note, text: to.origin };
      await change(() => storeOrigin(this.#service.client, native, known, origin, signal));
    }
    const handled = await this.#placesToCommit(known, offsets, to, signal);
    const places = new Map([...handled].map(([partition, place]) => [partition, { ...place, note }]));
    const codes = await change(() => this.#commits(known, native).commit(null, places, signal));
    const failed = [...codes.values()].find((code) => code !== 0);
    if (failed === ErrorNumber.UNKNOWN_MEMBER_ID) throw membersLive(native, topic);
    if (failed !== undefined) throw errorOf(failed, "OffsetCommit", { topic });
    if (isNew && name.nativeGroup === undefined) await warnOfNamesake(this.#service, this.#service.client, known, name.group, signal);
  }

  async delete(topic: string, { group, nativeGroup }: GroupName, signal: AbortSignal): Promise<void> {
    const known = await this.#service.directory.fetch(topic, signal);
    const native = nativeGroupName(topic, group, nativeGroup);
    const { described, committed } = await this.#describe(known, native, signal);
    const isOnTopic = committed.size > 0 || membersOn(topic, described, true) > 0;
    // If members leave before the first commit, an empty group remains, and the server lists it for minutes.
    if (!isOnTopic && described.state !== "Empty") throw groupNotFound(topic, native);
    requireNoMembers(native, described, topic);
    const { client } = this.#service;
    const coordinator = new Coordinator(client, native);
    const all = await coordinator.ask(signal, (brokerId) => client.offsetFetch(brokerId, native, null, signal));
    const holdsOthers = all.some((other) => other.topic !== topic && other.offset >= 0n);
    if (!isOnTopic && holdsOthers) throw groupNotFound(topic, native);
    try {
      if (!holdsOthers) {
        await change(() => coordinator.ask(signal, (brokerId) => client.deleteGroup(brokerId, native, signal)));
        await deleteOrigin(client, native, signal);
        return;
      }
      const topics = [{ topic: known.topic, partitions: [...committed.keys()] }];
      const results = await change(() => coordinator.ask(signal, (brokerId) => client.offsetDelete(brokerId, native, topics, signal)));
      const failed = results.find(({ errorCode }) => errorCode !== 0);
      if (failed !== undefined) throw errorOf(failed.errorCode, "OffsetDelete", { topic });
    } catch (error) {
      if (classify(error).code === "not-found") throw groupNotFound(topic, native);
      throw error;
    }
  }

  async lag(topic: string, name: GroupName, { partitions, initialPosition }: LagRequest, signal: AbortSignal): Promise<Lag> {
    const { known, committed, handled } = await this.#startingPoints(topic, name, initialPosition, signal);
    const wanted = known.partitions.filter((partition) => partitions?.includes(String(partition)) ?? true);
    const bounds = await this.#offsets.bounds(known, wanted, signal);
    const places = new Map(wanted.map((partition) => [partition, committed.get(partition) ?? placeFrom(bounds.get(partition)!.first)]));
    await Promise.all([this.#requireWithin(known, places, bounds, signal), this.#requireSameLog(known, places, bounds, signal)]);
    const sameEnds = await this.#sameEnds(known, wanted, handled, signal);
    const figures = wanted.map((partition) => {
      const { first, end } = bounds.get(partition)!;
      const at = places.get(partition)!.offset;
      const from = at < first ? first : at;
      const behind = end > from ? Number(end - from) : 0;
      const sameEnd = sameEnds.get(partition) ?? from;
      const ahead = handledBetween(handled.get(partition), from, sameEnd < end ? sameEnd : end);
      return { partition: String(partition), messages: behind - ahead, timeMs: null };
    });
    return { messages: figures.reduce((sum, { messages }) => sum + messages, 0), timeMs: null, partitions: figures };
  }

  /**
   * Where the log of a partition ceases to be the one in which the group has handled messages ahead. An election can have replaced the rest
   * by other records, which nobody has handled. A partition is absent if nothing is handled ahead, or if this is not known.
   */
  async #sameEnds(
    known: TopicSnapshot,
    partitions: readonly number[],
    handled: ReadonlyMap<number, CommittedPlace>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, bigint>> {
    const epochs = new Map(
      partitions.flatMap((partition) => {
        const ends = handled.get(partition)?.ahead?.epochs ?? [];
        return ends.length === 0 ? [] : [[partition, ends] as const];
      }),
    );
    const newest = new Map([...epochs].map(([partition, ends]) => [partition, ends.at(-1)!.leaderEpoch]));
    const found = await this.#offsets.epochEnds(known, newest, signal);
    return new Map(
      [...found].flatMap(([partition, end]) => {
        const same = sameUntil(epochs.get(partition)!, end);
        return same === null ? [] : [[partition, same] as const];
      }),
    );
  }

  /**
   * The committed offsets of a group, by partition. For a group without any: the offsets at which it would start.
   * @throws `not-found` if the group has no offsets and there is no initial position
   */
  async #startingPoints(topic: string, name: GroupName, initialPosition: StartPoint | null, signal: AbortSignal): Promise<StartingPoints> {
    if (initialPosition === null) {
      const { known, committed } = await this.#find(topic, name, signal);
      return { known, committed, handled: committed };
    }
    const known = await this.#service.directory.fetch(topic, signal);
    const { committed } = await this.#describe(known, nativeGroupName(topic, name.group, name.nativeGroup), signal);
    if (committed.size > 0) return { known, committed, handled: committed };
    const resolved = placesFrom(await this.#offsets.resolve(known, startPlaces(known, initialPosition), signal));
    return { known, committed: resolved, handled: committed };
  }

  /** A group that reads uncommitted records may be after the last stable offset, but no group can be after the end of the log. */
  async #requireWithin(
    known: TopicSnapshot,
    places: ReadonlyMap<number, LogPlace>,
    bounds: ReadonlyMap<number, LogBounds>,
    signal: AbortSignal,
  ): Promise<void> {
    const afterEnd = [...places].filter(([partition, { offset }]) => offset > bounds.get(partition)!.end);
    if (afterEnd.length === 0) return;
    const latest = new Map(afterEnd.map(([partition]) => [partition, LATEST]));
    const ends = await this.#offsets.list(known, latest, signal, false);
    for (const [partition, { offset, isForeign = false }] of afterEnd) {
      const end = ends.get(partition)!;
      if (offset > end) throw offsetAfterEnd({ topic: known.topic, partition, offset, isForeign }, end, UNKNOWN_EPOCH);
    }
  }

  /**
   * An election may have removed the records before a committed offset, and others may have their offsets: then the group goes on nowhere
   * before it is reset, and the distance to the end says nothing. One request shows it, which is needed only if the leader is another one
   * than when the last record before the offset was stored.
   * @throws `position-out-of-range`
   */
  async #requireSameLog(
    known: TopicSnapshot,
    places: ReadonlyMap<number, LogPlace>,
    bounds: ReadonlyMap<number, LogBounds>,
    signal: AbortSignal,
  ): Promise<void> {
    const uncertain = [...places].filter(
      ([partition, { leaderEpoch }]) => leaderEpoch !== UNKNOWN_EPOCH && leaderEpoch !== bounds.get(partition)!.leaderEpoch,
    );
    if (uncertain.length === 0) return;
    const epochs = new Map(uncertain.map(([partition, { leaderEpoch }]) => [partition, leaderEpoch]));
    const ends = await this.#offsets.epochEnds(known, epochs, signal);
    for (const [partition, { offset }] of uncertain) {
      const end = ends.get(partition)?.endOffset ?? offset;
      if (end < offset) throw truncated({ topic: known.topic, partition, offset }, end);
    }
  }

  /** The offsets that a reset commits. For the position of one partition, the other partitions keep their offsets. */
  async #planned(topic: string, { group, nativeGroup }: GroupName, to: StartPoint, signal: AbortSignal): Promise<PlannedReset> {
    const known = await this.#service.directory.fetch(topic, signal);
    const native = nativeGroupName(topic, group, nativeGroup);
    const { described, committed } = await this.#describe(known, native, signal);
    const staysElsewhere = to.kind === "position" && committed.size > 0;
    const places = [...startPlaces(known, to)].filter(([partition]) => !staysElsewhere || to.partition === String(partition));
    const offsets = await this.#offsets.resolve(known, new Map(places), signal);
    return { known, native, described, isNew: committed.size === 0, offsets };
  }

  /** With what is handled ahead of them, as far as it is known in which epochs the log is stored there. */
  async #placesToCommit(
    known: TopicSnapshot,
    offsets: ReadonlyMap<number, bigint>,
    to: StartPoint,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, PlaceToCommit>> {
    const places = new Map<number, PlaceToCommit>(placesFrom(offsets));
    const handled = to.kind === "places" && to.ahead !== undefined ? [...to.ahead] : [];
    const ahead = new Map(handled.map(([partition, one]) => [Number(partition), one]));
    const ranges = new Map(
      [...ahead].flatMap(([partition, { upTo }]) => {
        const from = offsets.get(partition);
        return from === undefined ? [] : [[partition, { from, end: toOffset(upTo) + 1n }] as const];
      }),
    );
    if (ranges.size === 0) return places;
    for (const [partition, epochs] of await epochsBetween(this.#offsets, known, ranges, signal)) {
      const place = places.get(partition)!;
      places.set(partition, { ...place, ahead: aheadOffsets(ahead.get(partition)!, place.offset, epochs) });
    }
    return places;
  }

  #commits(known: TopicSnapshot, native: string): GroupOffsets {
    const { client, metadataBound } = this.#service;
    return new GroupOffsets(client, new Coordinator(client, native), native, known, metadataBound);
  }

  /** @throws `not-found` if the group has no offsets and no members on the topic */
  async #find(topic: string, { group, nativeGroup }: GroupName, signal: AbortSignal): Promise<FoundGroup> {
    const known = await this.#service.directory.fetch(topic, signal);
    const native = nativeGroupName(topic, group, nativeGroup);
    const { described, committed } = await this.#describe(known, native, signal);
    if (committed.size === 0 && membersOn(topic, described, true) === 0) throw groupNotFound(topic, native);
    return { known, native, described, committed };
  }

  async #describe(
    known: TopicSnapshot,
    native: string,
    signal: AbortSignal,
  ): Promise<{ readonly described: DescribedGroup; readonly committed: ReadonlyMap<number, CommittedPlace> }> {
    const { client } = this.#service;
    const coordinator = new Coordinator(client, native);
    const described = await coordinator.ask(signal, (brokerId) => client.describeGroup(brokerId, native, signal));
    if (described.errorCode !== 0 && described.errorCode !== ErrorNumber.GROUP_ID_NOT_FOUND) {
      throw new KafkaProtocolError("DescribeGroups", described.errorCode);
    }
    return { described, committed: await this.#commits(known, native).committed(known.partitions, signal) };
  }
}

/** The number of offsets that a group has handled after its committed offset, in a part of the log. */
function handledBetween(place: CommittedPlace | undefined, from: bigint, end: bigint): number {
  if (place === undefined || place.ahead === null) return 0;
  const first = Number(from - place.offset);
  const ahead = distancesWithin(place.ahead, Number(end - place.offset));
  if (ahead === null || ahead.upTo < first) return 0;
  return ahead.upTo + 1 - first - ahead.except.filter((distance) => distance >= first).length;
}

/** The number of members that read the topic. During a rebalance their topics are unknown; then they count if `mayBe` is true. */
function membersOn(topic: string, { members }: DescribedGroup, mayBe: boolean): number {
  return members.filter(({ metadata }) => subscribedTopics(metadata)?.includes(topic) ?? mayBe).length;
}

function requireNoMembers(native: string, { members }: DescribedGroup, topic: string): void {
  if (members.length > 0) throw membersLive(native, topic);
}

function membersLive(native: string, topic: string): Error {
  return kafkaError("conflict", `group ${JSON.stringify(native)} has members; it must have none`, { topic });
}
