import { ErrorNumber } from "../client/error-codes.ts";
import { type GroupMember, type KafkaClient, KafkaProtocolError } from "../client/kafka-client.ts";
import { type LogPlace, UNKNOWN_EPOCH } from "../fetch/read-epochs.ts";
import type { TopicSnapshot } from "../topic-directory.ts";
import { type AheadOffsets, type CommitOrigin, newNote, readMetadata, writeMetadata } from "./commit-metadata.ts";
import { type Coordinator, isCoordinatorGone } from "./coordinator.ts";
import type { MetadataBound } from "./metadata-bound.ts";

/** For commits outside a membership. */
const NO_MEMBER = { generation: -1, memberId: "" };

/** One commit of a partition, as the server stores it. */
export interface StoredCommit {
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

/** A place to commit. */
export interface PlaceToCommit extends LogPlace {
  /** Absent: a new one, because the group starts or is moved. */
  readonly note?: string | null;
  /** What is handled at and after the offset. Absent: nothing. */
  readonly ahead?: AheadOffsets | null;
}

/** A committed place. */
export interface CommittedPlace extends LogPlace {
  readonly note: string | null;
  readonly ahead: AheadOffsets | null;
  readonly stored: StoredCommit;
}

/**
 * The committed offsets of a group on one topic. The metadata of every offset names the cluster and the topic id. So a late commit from
 * an earlier topic of the same name is not used for this topic.
 */
export class GroupOffsets {
  readonly #client: KafkaClient;
  readonly #coordinator: Coordinator;
  readonly #group: string;
  readonly #topic: string;
  readonly #origin: CommitOrigin;
  readonly #bound: MetadataBound;

  constructor(
    client: KafkaClient,
    coordinator: Coordinator,
    group: string,
    { topic, topicId, clusterId }: Pick<TopicSnapshot, "topic" | "topicId" | "clusterId">,
    bound: MetadataBound,
  ) {
    this.#client = client;
    this.#coordinator = coordinator;
    this.#group = group;
    this.#topic = topic;
    this.#origin = { clusterId, topicId };
    this.#bound = bound;
  }

  /** The committed places by partition. Partitions without a committed offset are absent. @throws `KafkaProtocolError` · any error of the client */
  async committed(partitions: readonly number[], signal: AbortSignal): Promise<Map<number, CommittedPlace>> {
    const topics = [{ topic: this.#topic, partitions }];
    const answer = await this.#coordinator.ask(signal, (brokerId) => this.#client.offsetFetch(brokerId, this.#group, topics, signal));
    const committed = new Map<number, CommittedPlace>();
    for (const { partition, errorCode, offset, leaderEpoch, metadata } of answer) {
      if (errorCode !== 0) throw new KafkaProtocolError("OffsetFetch", errorCode);
      const place = offset < 0n ? null : this.#placeOf({ offset, leaderEpoch, metadata });
      if (place !== null) committed.set(partition, place);
    }
    return committed;
  }

  /** @returns `null` if the commit is from an earlier topic */
  #placeOf(stored: StoredCommit): CommittedPlace | null {
    const { offset, leaderEpoch } = stored;
    const content = readMetadata(this.#origin, offset, stored.metadata);
    if (content === "earlier-topic") return null;
    // The epoch may be one of another cluster, or of an earlier topic of this name, so it is not used.
    if (content === "foreign") return { offset, leaderEpoch: UNKNOWN_EPOCH, isForeign: true, note: null, ahead: null, stored };
    return { offset, leaderEpoch, ...content, stored };
  }

  /**
   * Commits the places. Each partition has its own result. If the metadata is too large for the server, the commit is repeated with less.
   * @param member `null`: an administrative commit, which the server accepts only while the group has no members
   * @param sending called with each commit before it is sent. After a failed request it may be stored or not
   * @returns an error code by partition; 0 is success
   * @throws an error of the whole request
   */
  async commit(
    member: GroupMember | null,
    places: ReadonlyMap<number, PlaceToCommit>,
    signal: AbortSignal,
    sending?: (partition: number, commit: StoredCommit) => void,
  ): Promise<ReadonlyMap<number, number>> {
    // A member without a generation must not commit: while the group is empty, a server would accept such a commit without fencing.
    if (member !== null && member.generation < 0) throw new KafkaProtocolError("OffsetCommit", ErrorNumber.UNKNOWN_MEMBER_ID);
    const codes = new Map<number, number>();
    for (let rest = places; rest.size > 0;) {
      const commits = new Map([...rest].map(([partition, place]) => [partition, this.#commitOf(place)]));
      const refused = new Map<number, PlaceToCommit>();
      for (const [partition, errorCode] of await this.#send(member, commits, signal, sending)) {
        const length = commits.get(partition)?.metadata?.length ?? 0;
        if (errorCode === ErrorNumber.OFFSET_METADATA_TOO_LARGE && length > 0) {
          const place = places.get(partition)!;
          this.#bound.refused(length, this.#metadataOf({ ...place, ahead: null })?.length ?? 0);
          refused.set(partition, place);
        } else codes.set(partition, errorCode);
      }
      rest = refused;
    }
    return codes;
  }

  async #send(
    member: GroupMember | null,
    commits: ReadonlyMap<number, StoredCommit>,
    signal: AbortSignal,
    sending: ((partition: number, commit: StoredCommit) => void) | undefined,
  ): Promise<ReadonlyMap<number, number>> {
    const partitions = [...commits].map(([partition, commit]) => ({ partition, ...commit }));
    const request = { ...(member ?? { group: this.#group, ...NO_MEMBER }), topic: this.#topic, partitions };
    const answer = await this.#coordinator.ask(signal, (brokerId) => {
      for (const [partition, commit] of commits) sending?.(partition, commit);
      return this.#client.offsetCommit(brokerId, request, signal);
    });
    if (answer.some(({ errorCode }) => isCoordinatorGone(errorCode))) this.#coordinator.forget();
    return new Map(answer.map(({ partition, errorCode }) => [partition, errorCode]));
  }

  #commitOf(place: PlaceToCommit): StoredCommit {
    return { offset: place.offset, leaderEpoch: place.leaderEpoch, metadata: this.#metadataOf(place) };
  }

  #metadataOf({ offset, note = newNote(), ahead = null }: PlaceToCommit): string | null {
    return writeMetadata(this.#origin, offset, { note, ahead }, this.#bound.bytes);
  }
}
