import type { Assignment, ConsumerDriver, ConsumerSettings, Settlement, Sink, StreamError } from "../../src/driver/index.ts";
import { type KafkaClient, KafkaProtocolError } from "./client/kafka-client.ts";
import { RetryBackoff, retrying } from "./client/retry-backoff.ts";
import { pause } from "./client/waiting.ts";
import { classOf, classify, groupNotFound, kafkaError } from "./errors.ts";
import { OffsetLookup } from "./fetch/offset-lookup.ts";
import { PartitionFetcher } from "./fetch/partition-fetcher.ts";
import type { LogPlace } from "./fetch/read-epochs.ts";
import { Coordinator, isCoordinatorGone } from "./group/coordinator.ts";
import { GroupMembership } from "./group/group-membership.ts";
import { nativeGroupName } from "./group/group-name.ts";
import { GroupOffsets } from "./group/group-offsets.ts";
import { warnOfNamesake } from "./group/native-namesake.ts";
import { OwnedPartition, OwnedPartitions } from "./group/owned-partitions.ts";
import { settleOffsets } from "./group/settle-offsets.ts";
import { sinkHandler } from "./group/sink-handler.ts";
import { startOffsets } from "./group/start-positions.ts";
import { TopicWatch } from "./group/topic-watch.ts";
import { toPosition } from "./records.ts";
import type { KafkaService } from "./service.ts";

/** What is given back within this time goes in one round of the group. */
const REVOKE_DEBOUNCE_MS = 20;
/** The group hears that we go; if it cannot, the session's time-out tells it. */
const LEAVE_MS = 2_000;
/** A coordinator that moves, or a connection that breaks, is no reason to keep the others waiting for a whole session. */
const LEAVE_RETRY_DELAYS_MS = [50, 100, 200];

/** What exists once the topic is known. */
interface Parts {
  readonly sink: Sink;
  readonly offsets: GroupOffsets;
  readonly membership: GroupMembership;
  readonly fetcher: PartitionFetcher;
}

/**
 * One member of a group on one topic: carries what the group says to the sink, fetches what it owns, and commits. Partitions move
 * one by one: what stays is never interrupted, and what moves is given back before anybody else gets it.
 */
export class KafkaConsumer implements ConsumerDriver {
  readonly settlementUnit = "position";
  readonly #service: KafkaService;
  readonly #topic: string;
  readonly #settings: ConsumerSettings;
  readonly #group: string;
  /** A join that waits for the others holds up its connection, so commits travel on another. */
  readonly #joinClient: KafkaClient;
  readonly #client: KafkaClient;
  readonly #coordinator: Coordinator;
  readonly #watch: TopicWatch;
  readonly #owned = new OwnedPartitions();
  readonly #closing = new AbortController();
  readonly #joined = Promise.withResolvers<void>();
  #hasJoined = false;
  #hasContact = false;
  /** Rounds of whose partitions it is not known yet where they start. */
  #beginning = 0;
  #parts: Parts | undefined;

  constructor(service: KafkaService, topic: string, settings: ConsumerSettings) {
    this.#service = service;
    this.#topic = topic;
    this.#settings = settings;
    this.#group = nativeGroupName(topic, settings.group, settings.nativeGroup);
    this.#joinClient = service.client.dedicated();
    this.#client = service.client.dedicated();
    this.#coordinator = new Coordinator(this.#client, this.#group);
    this.#watch = new TopicWatch(service.directory, topic, service.report, () => this.#parts?.membership.rejoin());
    // A failure is told to whoever waits for the join, and to nobody if nobody does.
    this.#joined.promise.catch(() => undefined);
  }

  async start(sink: Sink, signal: AbortSignal): Promise<void> {
    const abandon = (): void => this.#closing.abort(signal.reason);
    if (signal.aborted) abandon();
    else signal.addEventListener("abort", abandon, { once: true });
    try {
      const { signal: closing } = this.#closing;
      const { topicId } = await this.#watch.open(closing);
      const offsets = new GroupOffsets(this.#client, this.#coordinator, this.#group, this.#topic, topicId);
      if (this.#settings.initialPosition === "fail") await this.#requirePosition(offsets);
      this.#parts = this.#makeParts(sink, offsets);
      if (this.#settings.nativeGroup === undefined) {
        void warnOfNamesake(this.#service, this.#client, this.#watch.known, this.#settings.group, closing);
      }
      this.#background(this.#watch.run(closing));
      this.#background(this.#parts.fetcher.run(closing, false));
      this.#background(this.#parts.membership.run(closing));
      await this.#joined.promise;
    } finally {
      signal.removeEventListener("abort", abandon);
    }
  }

  #makeParts(sink: Sink, offsets: GroupOffsets): Parts {
    const { report } = this.#service;
    const { sessionTimeoutMs, maxBufferedBytes } = this.#settings;
    const membership = new GroupMembership(
      this.#joinClient,
      { group: this.#group, topic: this.#topic, sessionTimeoutMs },
      {
        claim: () => this.#claim(),
        synced: (partitions, generation) => this.#synced(partitions, generation),
        contact: (isThere) => this.#contact(isThere),
        lost: () => this.#lost(),
      },
      report,
    );
    const fetcher = new PartitionFetcher(this.#service, this.#client, this.#watch.known, maxBufferedBytes);
    return { sink, offsets, membership, fetcher };
  }

  /** A group that shall exist is looked for before joining, so that nothing is left of one that does not. */
  async #requirePosition(offsets: GroupOffsets): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new RetryBackoff(this.#service.report, this.#topic);
    const committed = await retrying("OffsetFetch", backoff, signal, () => offsets.committed(this.#watch.known.partitions, signal));
    if (committed.size === 0) throw groupNotFound(this.#topic, this.#settings.group);
  }

  #claim(): { readonly partitionCount: number; readonly owned: readonly number[] } {
    return { partitionCount: this.#watch.known.partitions.length, owned: this.#owned.numbers };
  }

  #synced(partitions: readonly number[], generation: number): void {
    if (this.#closing.signal.aborted) return;
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

  #contact(isThere: boolean): void {
    this.#hasContact = isThere;
    this.#tellState();
  }

  /** The share is told when all of it has been told as assigned. */
  #tellState(): void {
    const { sink } = this.#parts!;
    if (this.#closing.signal.aborted) return;
    if (!this.#hasContact) sink.rejoining();
    else if (this.#beginning === 0) sink.joined();
  }

  #lost(): void {
    if (this.#closing.signal.aborted) return;
    for (const owned of this.#owned.all) this.#drop(owned);
  }

  #drop(owned: OwnedPartition): void {
    const { fetcher, sink } = this.#parts!;
    this.#owned.remove(owned);
    if (owned.delivery === null) return;
    fetcher.remove(owned.delivery.cursor);
    sink.lost(owned.delivery.assignment);
  }

  /** It is still ours, and claimed as such in every round, until the sink is done with it. */
  async #revoke(owned: OwnedPartition): Promise<void> {
    const { fetcher, sink, membership } = this.#parts!;
    owned.isRevoking = true;
    await owned.started;
    if (owned.delivery !== null) {
      fetcher.remove(owned.delivery.cursor);
      await sink.revoking(owned.delivery.assignment, this.#settings.sessionTimeoutMs);
    }
    if (!this.#owned.isCurrent(owned)) return;
    this.#owned.remove(owned);
    if (this.#owned.all.some(({ isRevoking }) => isRevoking)) await pause(REVOKE_DEBOUNCE_MS, this.#closing.signal);
    membership.rejoin();
  }

  async #begin(added: readonly OwnedPartition[]): Promise<void> {
    this.#beginning += 1;
    try {
      const offsets = await this.#startOffsets(added);
      for (const owned of added) {
        const place = offsets.get(owned.partition);
        if (place !== undefined && this.#isWanted(owned)) this.#deliverFrom(owned, place);
      }
    } finally {
      for (const owned of added) owned.startIsOver();
      this.#beginning -= 1;
    }
    this.#tellState();
  }

  #isWanted(owned: OwnedPartition): boolean {
    return this.#owned.isCurrent(owned) && !owned.isRevoking;
  }

  /** None where nothing of it is wanted any more. */
  async #startOffsets(added: readonly OwnedPartition[]): Promise<ReadonlyMap<number, LogPlace>> {
    const { offsets, membership } = this.#parts!;
    const { signal } = this.#closing;
    const backoff = new RetryBackoff(this.#service.report, this.#topic);
    const context = {
      lookup: new OffsetLookup(this.#client),
      offsets,
      settings: this.#settings,
      known: () => this.#watch.known,
      member: () => membership.member,
      isFirst: () => added.some((owned) => owned.partition === this.#watch.known.partitions[0] && this.#isWanted(owned)),
      isWanted: () => added.some((owned) => this.#isWanted(owned)),
    };
    while (context.isWanted()) {
      const wanted = added.filter((owned) => this.#isWanted(owned)).map(({ partition }) => partition);
      try {
        return await startOffsets(context, wanted, signal);
      } catch (error) {
        // The group has gone on meanwhile: we hear soon what of it is still ours.
        if (error instanceof KafkaProtocolError && classOf(error.errorCode) === "fenced") await pause(REVOKE_DEBOUNCE_MS, signal);
        else {
          await backoff.failed("OffsetFetch", error, signal);
          await this.#watch.lookAgain(signal);
        }
      }
    }
    return new Map();
  }

  #deliverFrom(owned: OwnedPartition, place: LogPlace): void {
    const { sink, fetcher } = this.#parts!;
    const assignment: Assignment = {
      partition: String(owned.partition),
      identity: this.#watch.known.identity,
      start: { kind: "at", position: toPosition(place.offset) },
      epoch: String(owned.generation),
    };
    sink.assigned(assignment);
    owned.delivery = { assignment, cursor: fetcher.add(owned.partition, place, sinkHandler(sink, assignment)) };
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    const { membership, offsets } = this.#parts!;
    return settleOffsets(membership, this.#owned, offsets, settlements, signal);
  }

  /** Its failure is the member's. */
  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#fail(error));
  }

  #fail(thrown: unknown): void {
    if (this.#closing.signal.aborted && this.#hasJoined) return;
    const error = this.#closing.signal.aborted ? this.#closing.signal.reason : classify(thrown);
    if (this.#hasJoined) this.#parts!.sink.failed(error);
    else this.#joined.reject(error);
  }

  async close(): Promise<void> {
    this.#closing.abort(kafkaError("closed", "the consumer is closed", { topic: this.#topic }));
    for (const { delivery } of this.#owned.all) if (delivery !== null) this.#parts?.fetcher.remove(delivery.cursor);
    if (this.#parts !== undefined) await this.#leave(this.#parts.membership);
    await Promise.all([this.#joinClient.close(), this.#client.close()]);
  }

  async #leave(membership: GroupMembership): Promise<void> {
    const signal = AbortSignal.timeout(LEAVE_MS);
    for (const pauseMs of [...LEAVE_RETRY_DELAYS_MS, null]) {
      try {
        const memberId = await membership.assignedId(signal);
        if (memberId === "") return;
        await this.#coordinator.ask(signal, (brokerId) => this.#client.leaveGroup(brokerId, { group: this.#group, memberId }, signal));
        return;
      } catch (error) {
        const isAnswer = error instanceof KafkaProtocolError && !isCoordinatorGone(error.errorCode);
        if (isAnswer || pauseMs === null || signal.aborted) return;
        await pause(pauseMs, signal);
      }
    }
  }
}
