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
import { type LogBounds, OffsetLookup } from "../fetch/offset-lookup.ts";
import { type LogPlace, UNKNOWN_EPOCH, placeFrom, placesFrom } from "../fetch/read-epochs.ts";
import { behindEnd } from "../fetch/retention-gap.ts";
import { Coordinator } from "../group/coordinator.ts";
import { groupOfNativeName, nativeGroupName } from "../group/group-name.ts";
import { GroupOffsets } from "../group/group-offsets.ts";
import { subscribedTopics } from "../group/member-metadata.ts";
import { warnOfNamesake } from "../group/native-namesake.ts";
import { toPosition } from "../records.ts";
import type { KafkaService } from "../service.ts";
import { type TopicSnapshot, startPlaces } from "../topic-directory.ts";
import { change } from "./change.ts";

const CONSUMER_GROUP = "consumer";
/** A cluster has the groups of everybody: one after the other, hundreds take longer than a call may. */
const LOOKS_AT_ONCE = 16;

/** A group on one topic, as the cluster has it at one moment. */
interface FoundGroup {
  readonly known: TopicSnapshot;
  readonly native: string;
  readonly described: DescribedGroup;
  /** Next offsets by partition. */
  readonly committed: ReadonlyMap<number, LogPlace>;
}

/** Where a group is to be moved. */
interface PlannedReset extends Pick<FoundGroup, "known" | "native" | "described"> {
  /** It stands nowhere yet. */
  readonly isNew: boolean;
  /** Next offsets by partition. */
  readonly offsets: ReadonlyMap<number, bigint>;
}

/** Groups on a topic: their places, resets, deletion, lag. */
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
    // While a group moves between brokers, two of them may list it.
    const waiting = new Set(consumers.map(({ group }) => group)).values();
    const onTopic: ListedGroup[] = [];
    const lookAtSome = async (): Promise<void> => {
      for (const native of waiting) {
        const { described, committed } = await this.#describe(known, native, signal);
        if (committed.size > 0 || membersOn(topic, described, native.startsWith(`${topic}.`)) > 0) {
          onTopic.push({ group: groupOfNativeName(topic, native), nativeGroup: native });
        }
      }
    };
    await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, lookAtSome));
    return onTopic;
  }

  async describe(topic: string, name: GroupName, signal: AbortSignal): Promise<DriverGroupDescription> {
    const { known, native, described, committed } = await this.#find(topic, name, signal);
    const identity: TopicIdentity = known.identity;
    const places = new Map<string, PartitionPlace>(
      known.partitions.map((partition) => {
        const offset = committed.get(partition)?.offset;
        // Where a group has a position, partitions without one start at their beginning.
        return [String(partition), offset === undefined ? { kind: "earliest" } : { kind: "at", position: toPosition(offset) }];
      }),
    );
    return { nativeName: native, members: membersOn(topic, described, true), identity, places: committed.size === 0 ? null : places };
  }

  async planReset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<ReadonlyMap<string, PartitionPlace>> {
    const { offsets } = await this.#planned(topic, name, to, signal);
    return new Map([...offsets].map(([partition, offset]) => [String(partition), { kind: "at", position: toPosition(offset) }]));
  }

  async reset(topic: string, name: GroupName, to: StartPoint, signal: AbortSignal): Promise<void> {
    const { known, native, described, isNew, offsets } = await this.#planned(topic, name, to, signal);
    requireNoMembers(native, described, topic);
    const codes = await change(() => this.#commits(known, native).commit(null, placesFrom(offsets), signal));
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
    // Members that left before they had a place leave an empty group behind, which the server goes on listing for minutes.
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
    const { known, committed } = await this.#lookAt(topic, name, initialPosition, signal);
    const wanted = known.partitions.filter((partition) => partitions?.includes(String(partition)) ?? true);
    const bounds = await this.#offsets.bounds(known, wanted, signal);
    const places = new Map(wanted.map((partition) => [partition, committed.get(partition) ?? placeFrom(bounds.get(partition)!.first)]));
    await this.#requireWithin(known, places, bounds, signal);
    const figures = wanted.map((partition) => {
      const { first, end } = bounds.get(partition)!;
      const at = places.get(partition)!.offset;
      const from = at < first ? first : at;
      return { partition: String(partition), messages: end > from ? Number(end - from) : 0, timeMs: null };
    });
    return { messages: figures.reduce((sum, { messages }) => sum + messages, 0), timeMs: null, partitions: figures };
  }

  /** Where a group stands, by partition; where it stands nowhere, what it would begin with. @throws `not-found` where it shall not begin */
  async #lookAt(
    topic: string,
    name: GroupName,
    initialPosition: StartPoint | null,
    signal: AbortSignal,
  ): Promise<{ readonly known: TopicSnapshot; readonly committed: ReadonlyMap<number, LogPlace> }> {
    if (initialPosition === null) {
      const { known, committed } = await this.#find(topic, name, signal);
      return { known, committed };
    }
    const known = await this.#service.directory.fetch(topic, signal);
    const { committed } = await this.#describe(known, nativeGroupName(topic, name.group, name.nativeGroup), signal);
    if (committed.size > 0) return { known, committed };
    return { known, committed: placesFrom(await this.#offsets.resolve(known, startPlaces(known, initialPosition), signal)) };
  }

  /** Behind the last stable offset may stand who reads what is not committed; behind the end of the log nobody can have read. */
  async #requireWithin(
    known: TopicSnapshot,
    places: ReadonlyMap<number, LogPlace>,
    bounds: ReadonlyMap<number, LogBounds>,
    signal: AbortSignal,
  ): Promise<void> {
    const behind = [...places].filter(([partition, { offset }]) => offset > bounds.get(partition)!.end);
    if (behind.length === 0) return;
    const latest = new Map(behind.map(([partition]) => [partition, LATEST]));
    const ends = await this.#offsets.list(known, latest, signal, false);
    for (const [partition, { offset, isForeign = false }] of behind) {
      const end = ends.get(partition)!;
      if (offset > end) throw behindEnd({ topic: known.topic, partition, offset, isForeign }, end, UNKNOWN_EPOCH);
    }
  }

  /** What a reset stores. Of a position, the other partitions stay where the group stands. */
  async #planned(topic: string, { group, nativeGroup }: GroupName, to: StartPoint, signal: AbortSignal): Promise<PlannedReset> {
    const known = await this.#service.directory.fetch(topic, signal);
    const native = nativeGroupName(topic, group, nativeGroup);
    const { described, committed } = await this.#describe(known, native, signal);
    const staysElsewhere = to.kind === "position" && committed.size > 0;
    const places = [...startPlaces(known, to)].filter(([partition]) => !staysElsewhere || to.partition === String(partition));
    const offsets = await this.#offsets.resolve(known, new Map(places), signal);
    return { known, native, described, isNew: committed.size === 0, offsets };
  }

  #commits(known: TopicSnapshot, native: string): GroupOffsets {
    const { client } = this.#service;
    return new GroupOffsets(client, new Coordinator(client, native), native, known.topic, known.topicId);
  }

  /** @throws `not-found` where nothing of the group concerns the topic */
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
  ): Promise<{ readonly described: DescribedGroup; readonly committed: ReadonlyMap<number, LogPlace> }> {
    const { client } = this.#service;
    const coordinator = new Coordinator(client, native);
    const described = await coordinator.ask(signal, (brokerId) => client.describeGroup(brokerId, native, signal));
    if (described.errorCode !== 0 && described.errorCode !== ErrorNumber.GROUP_ID_NOT_FOUND) {
      throw new KafkaProtocolError("DescribeGroups", described.errorCode);
    }
    return { described, committed: await this.#commits(known, native).committed(known.partitions, signal) };
  }
}

/** Members that read the topic. While a group rebalances the server does not tell what they read: then `mayBe` says whether they count. */
function membersOn(topic: string, { members }: DescribedGroup, mayBe: boolean): number {
  return members.filter(({ metadata }) => subscribedTopics(metadata)?.includes(topic) ?? mayBe).length;
}

function requireNoMembers(native: string, { members }: DescribedGroup, topic: string): void {
  if (members.length > 0) throw membersLive(native, topic);
}

function membersLive(native: string, topic: string): Error {
  return kafkaError("conflict", `group ${JSON.stringify(native)} has members; none may be left`, { topic });
}
