import { type PartitionHandler, RetryBackoff, groupHandler, pause } from "../../../src/adapter-kit/index.ts";
import type { ConsumerSettings, Settlement, Sink, StreamError } from "../../../src/driver/index.ts";
import { type KafkaClient, KafkaProtocolError } from "../client/kafka-client.ts";
import { classOf, classify } from "../errors.ts";
import { type FetchHandler, fetchHandler } from "../fetch/fetch-cursor.ts";
import { HandledEpochs } from "../fetch/handled-epochs.ts";
import { OffsetLookup } from "../fetch/offset-lookup.ts";
import { PartitionFetcher } from "../fetch/partition-fetcher.ts";
import { toPosition } from "../records.ts";
import type { KafkaService } from "../service.ts";
import { aheadPositions } from "./ahead-positions.ts";
import { type FormerOwnership, consistentAhead } from "./former-ownership.ts";
import { GroupMembership } from "./group-membership.ts";
import type { CommittedPlace, GroupOffsets } from "./group-offsets.ts";
import { type GroupOrigin, readOrigin } from "./group-origin.ts";
import { OwnedDelivery, type ResumingAssignment } from "./owned-delivery.ts";
import { OwnedPartition, OwnedPartitions } from "./owned-partitions.ts";
import { settleOffsets } from "./settle-offsets.ts";
import { startOffsets } from "./start-positions.ts";
import type { TopicWatch } from "./topic-watch.ts";

/** Partitions that are released within this time share one rebalance. */
const REVOKE_DEBOUNCE_MS = 20;

export interface MemberServices {
  readonly service: KafkaService;
  /** For the membership alone. A join that waits for the other members blocks its connection, so commits use another one. */
  readonly joinClient: KafkaClient;
  readonly client: KafkaClient;
  readonly watch: TopicWatch;
  readonly offsets: GroupOffsets;
}

/**
 * A member whose topic is known: it carries the group's assignments to the sink, fetches the records of its partitions, and commits.
 * Partitions move one by one: those that stay are never interrupted, and those that move are released before another member gets
 * them.
 */
export class JoinedMember {
  readonly #services: MemberServices;
  readonly #settings: ConsumerSettings;
  readonly #topic: string;
  readonly #sink: Sink;
  readonly #closing: AbortSignal;
  readonly #membership: GroupMembership;
  readonly #fetcher: PartitionFetcher;
  readonly #owned = new OwnedPartitions();
  /** The latest ownerships that are over, by partition. */
  readonly #former = new Map<number, FormerOwnership>();
  readonly #joined = Promise.withResolvers<void>();
  /** Where the group came from; `null`: not asked for, or nowhere. */
  #origin: GroupOrigin | null = null;
  readonly #group: string;
  #hasJoined = false;
  #hasContact = false;
  /** The number of partitions that this member has released for others. */
  #releases = 0;
  /** Assignments whose start offsets are not known yet. */
  #beginning = 0;

  /** @param group its native name */
  constructor(services: MemberServices, group: string, settings: ConsumerSettings, sink: Sink, closing: AbortSignal) {
    const { service, joinClient, client, watch } = services;
    const { topic } = watch.known;
    this.#group = group;
    this.#services = services;
    this.#settings = settings;
    this.#topic = topic;
    this.#sink = sink;
    this.#closing = closing;
    this.#membership = new GroupMembership(
      joinClient,
      { group, topic, sessionTimeoutMs: settings.sessionTimeoutMs },
      {
        claim: () => ({ partitionCount: watch.known.partitions.length, owned: this.#owned.numbers }),
        synced: (partitions, generation) => this.#synced(partitions, generation),
        contact: (hasContact) => this.#contact(hasContact),
        lost: () => this.#lost(),
      },
      service.report,
    );
    this.#fetcher = new PartitionFetcher(service, client, watch.known, settings.maxBufferedBytes);
  }

  /** Starts to work, until `closing` aborts. Resolves after the first assignment. @throws the failure that prevents it */
  async join(): Promise<void> {
    this.#background(this.#services.watch.run(this.#closing));
    this.#background(this.#fetcher.run(this.#closing, false));
    this.#background(this.#membership.run(this.#closing));
    await this.#joined.promise;
  }

  /** Starts a rebalance. The member's new claim can change the assignments. */
  rejoin(): void {
    this.#membership.rejoin();
  }

  /** The group's name for this member; see `GroupMembership`. */
  async assignedId(signal: AbortSignal): Promise<string> {
    return this.#membership.assignedId(signal);
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    return settleOffsets(this.#membership, this.#owned, this.#services.offsets, settlements, signal);
  }

  /** No more records are delivered. */
  stopFetching(): void {
    for (const { delivery } of this.#owned.all) if (delivery !== null) this.#fetcher.remove(delivery.cursor);
  }

  #synced(partitions: readonly number[], generation: number): void {
    if (this.#closing.aborted) return;
    for (const owned of this.#owned.all) {
      if (!partitions.includes(owned.partition) && !owned.isRevoking) this.#background(this.#revoke(owned));
    }
    const added = partitions
      .filter((partition) => !this.#owned.has(partition))
      .map((partition) => new OwnedPartition(partition, generation));
    for (const owned of added) this.#owned.add(owned);
    if (added.length > 0) this.#background(this.#begin(added));
    this.#hasJoined = true;
    this.#joined.resolve();
  }

  #contact(hasContact: boolean): void {
    this.#hasContact = hasContact;
    this.#reportState();
  }

  /** The sink hears `joined` only after it has received every assignment. */
  #reportState(): void {
    if (this.#closing.aborted) return;
    if (!this.#hasContact) this.#sink.rejoining();
    else if (this.#beginning === 0) this.#sink.joined();
  }

  #lost(): void {
    if (this.#closing.aborted) return;
    for (const owned of this.#owned.all) this.#drop(owned);
  }

  #drop(owned: OwnedPartition): void {
    this.#release(owned);
    if (owned.delivery === null) return;
    this.#fetcher.remove(owned.delivery.cursor);
    this.#sink.lost(owned.delivery.assignment);
  }

  #release(owned: OwnedPartition): void {
    this.#owned.remove(owned);
    if (owned.delivery !== null) this.#former.set(owned.partition, owned.delivery.end());
  }

  /** The member still owns the partition, and claims it in every rebalance, until the sink has finished its work. */
  async #revoke(owned: OwnedPartition): Promise<void> {
    owned.revoking();
    await owned.started;
    if (owned.delivery !== null) {
      this.#fetcher.remove(owned.delivery.cursor);
      await this.#sink.revoking(owned.delivery.assignment, this.#settings.sessionTimeoutMs);
    }
    if (!this.#owned.isCurrent(owned)) return;
    this.#release(owned);
    this.#releases += 1;
    const before = this.#releases;
    if (this.#owned.all.some(({ isRevoking }) => isRevoking)) await pause(REVOKE_DEBOUNCE_MS, this.#closing);
    // A partition that was released meanwhile starts the rebalance for both.
    if (this.#releases === before) this.#membership.rejoin();
  }

  async #begin(added: readonly OwnedPartition[]): Promise<void> {
    this.#beginning += 1;
    try {
      const places = await this.#startPlaces(added);
      for (const owned of added) {
        const place = places.get(owned.partition);
        if (place !== undefined && this.#isWanted(owned)) this.#deliverFrom(owned, place);
      }
    } finally {
      for (const owned of added) owned.startIsOver();
      this.#beginning -= 1;
    }
    this.#reportState();
  }

  #isWanted(owned: OwnedPartition): boolean {
    return this.#owned.isCurrent(owned) && !owned.isRevoking;
  }

  /** @returns no places if the member wants none of the partitions any longer */
  async #startPlaces(added: readonly OwnedPartition[]): Promise<ReadonlyMap<number, CommittedPlace>> {
    const { service, client, watch, offsets } = this.#services;
    const backoff = new RetryBackoff({ report: service.report, topic: this.#topic, classify });
    const context = {
      lookup: new OffsetLookup(client),
      offsets,
      settings: this.#settings,
      known: () => watch.known,
      member: () => this.#membership.member,
      isFirst: () => added.some((owned) => owned.partition === watch.known.partitions[0] && this.#isWanted(owned)),
      isWanted: () => added.some((owned) => this.#isWanted(owned)),
    };
    while (context.isWanted()) {
      const wanted = added.filter((owned) => this.#isWanted(owned)).map(({ partition }) => partition);
      try {
        // No reset can be made while this member lives, so that the origin stays the same.
        if (this.#settings.usesOrigin === true) this.#origin ??= await readOrigin(client, this.#group, watch.known, this.#closing);
        return await startOffsets(context, wanted, this.#closing);
      } catch (error) {
        // The group is in a newer generation. The member will soon receive its partitions of that generation.
        if (error instanceof KafkaProtocolError && classOf(error.errorCode) === "fenced") await pause(REVOKE_DEBOUNCE_MS, this.#closing);
        else {
          await backoff.failed("OffsetFetch", error, this.#closing);
          await watch.refresh(this.#closing);
        }
      }
    }
    return new Map();
  }

  #deliverFrom(owned: OwnedPartition, place: CommittedPlace): void {
    const { partition } = owned;
    const former = this.#former.get(partition);
    this.#former.delete(partition);
    const resumed = former?.isAt(place) === true ? former : null;
    const known = resumed?.epochsAfter(place.offset) ?? null;
    const ahead = known === null ? place.ahead : consistentAhead(place.offset, place.ahead, known);
    const assignment: ResumingAssignment = {
      partition: String(partition),
      identity: this.#services.watch.known.identity,
      start: { kind: "at", position: toPosition(place.offset) },
      epoch: String(owned.generation),
      ahead: ahead === null ? null : aheadPositions(place.offset, ahead),
      origin: this.#origin !== null && this.#origin.note === place.note ? this.#origin.text : null,
      resumes: resumed?.assignment ?? null,
      isCurrent: () => this.#owned.isCurrent(owned) && this.#membership.hasSession,
    };
    const forget = (offset: bigint): void => this.#sink.forgetAhead(assignment, toPosition(offset));
    const handled = new HandledEpochs(known ?? ahead?.epochs ?? [], forget);
    this.#sink.assigned(assignment);
    const cursor = this.#fetcher.add(partition, place, memberHandler(groupHandler(this.#sink, assignment, this.#closing)), handled);
    owned.delivering(new OwnedDelivery(assignment, cursor, place));
  }

  /** If the work fails, the member fails. */
  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#fail(error));
  }

  #fail(thrown: unknown): void {
    if (this.#closing.aborted && this.#hasJoined) return;
    const error = this.#closing.aborted ? this.#closing.reason : classify(thrown);
    if (this.#hasJoined) this.#sink.failed(error);
    else this.#joined.reject(error);
  }
}

/** Behind a gap that was accepted, the group's place moves at once, and not with the next message: it is no longer out of range. */
function memberHandler(handler: PartitionHandler): FetchHandler {
  const fetched = fetchHandler(handler);
  return { ...fetched, gap: async (gap) => (await fetched.gap(gap)) && handler.advanced(toPosition(gap.resumesAt - 1n)) };
}
