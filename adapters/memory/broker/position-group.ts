import { fairShares } from "../../../src/adapter-kit/index.ts";
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import type { Assignment, HandledAhead, PartitionPlace, Settlement, StartPoint, StreamError } from "../../../src/driver/index.ts";
import { memoryError, ownershipLost, topicNotFound } from "../errors.ts";
import { LogFeed } from "./feed.ts";
import type { Group, Ownership } from "./group.ts";
import type { Member } from "./member.ts";
import type { Partition } from "./partition.ts";
import { type PartitionLag, partitionLag } from "./partition-lag.ts";
import { resolveStart } from "./places.ts";
import { StoredAhead } from "./stored-ahead.ts";
import type { MemoryTopic } from "./topic.ts";

/** An ownership, with the data that only the group knows. */
interface Seat extends Ownership {
  readonly assignment: Assignment & { resumes: Assignment | null };
  readonly member: Member;
  readonly partition: Partition;
  readonly end: AbortController;
  revoking: boolean;
  /** Where it started, or the place that it stored last. Without fencing the group may know a higher one. */
  place: number;
  /** The note of the partition when this ownership has read or stored its progress last. */
  note: number;
}

/** What differs between the forms of the provider. */
export interface GroupRules {
  readonly gapDetected: boolean;
  /** Whether a late result of a former owner is refused. */
  readonly fencing: boolean;
  /** Whether what is handled ahead of a place is kept beside it. */
  readonly handledAhead: boolean;
}

/**
 * A group in which a partition has one owner and one place: everything before the place is handled. Partitions move one by one: a
 * partition that stays with its member is never interrupted, and a partition that moves is released first.
 */
export class PositionGroup implements Group {
  readonly #topic: MemoryTopic;
  readonly #rules: GroupRules;
  readonly #members = new Set<Member>();
  readonly #seats = new Map<string, Seat>();
  readonly #places = new Map<string, number | "ended">();
  /** What is handled ahead of the places. */
  readonly #ahead = new Map<string, StoredAhead>();
  /** Rise with every change of a place or of what is ahead of it, also with one that leaves it as it was: a reset. */
  readonly #notes = new Map<string, number>();
  readonly #epochs = new Map<string, number>();
  /** The latest ownership of each partition that a member had. */
  readonly #former = new WeakMap<Member, Map<string, Seat>>();
  #started = false;
  /** `StartPoint.origin` of the last move. */
  #origin: string | null = null;

  constructor(topic: MemoryTopic, rules: GroupRules) {
    this.#topic = topic;
    this.#rules = rules;
  }

  get members(): ReadonlySet<Member> {
    return this.#members;
  }

  get started(): boolean {
    return this.#started;
  }

  get places(): ReadonlyMap<string, PartitionPlace> {
    return this.#named(this.#places);
  }

  get ahead(): ReadonlyMap<string, HandledAhead> {
    return new Map([...this.#ahead].map(([partition, { named }]) => [partition, named]));
  }

  lag(nowMs: number): readonly PartitionLag[] {
    this.#topic.trim(nowMs);
    return [...this.#topic.partitions.values()].map((partition) =>
      partitionLag(partition, this.#places.get(partition.id) ?? 0, this.#ahead.get(partition.id) ?? null, nowMs),
    );
  }

  #named(places: ReadonlyMap<string, number | "ended">): ReadonlyMap<string, PartitionPlace> {
    const toPlace = (partition: string, index: number): PartitionPlace => {
      return { kind: "at", position: this.#topic.partitions.get(partition)!.log.positions.nameOf(index) };
    };
    return new Map([...places].map(([partition, place]) => [partition, place === "ended" ? { kind: place } : toPlace(partition, place)]));
  }

  plan(start: StartPoint): ReadonlyMap<string, PartitionPlace> {
    return this.#named(this.#resolve(start));
  }

  moveTo(start: StartPoint): void {
    const moved = this.#resolve(start);
    const ahead = start.kind === "places" && this.#rules.handledAhead ? start.ahead : undefined;
    for (const [partition, place] of moved) this.#store(partition, place, this.#aheadOf(partition, place, ahead?.get(partition)));
    this.#origin = start.kind === "places" ? (start.origin ?? null) : null;
    this.#started = true;
    // Only where members are not known to the administration there are any: they own the same partitions anew.
    for (const seat of [...this.#seats.values()]) if (moved.has(seat.partition.id)) this.#takeFrom(seat, seat.member);
    if (this.#members.size > 0) this.#rebalance();
  }

  #aheadOf(partition: string, place: number | "ended", ahead: HandledAhead | undefined): StoredAhead | null {
    if (ahead === undefined || place === "ended") return null;
    const kept = StoredAhead.of(ahead, place, this.#topic.partitions.get(partition)!.log);
    return kept === "malformed" ? null : kept;
  }

  /** When the start is a position of one partition, the group keeps its place in the other partitions. */
  #resolve(start: StartPoint): ReadonlyMap<string, number | "ended"> {
    const staysElsewhere = this.#started && start.kind === "position";
    const moved = [...resolveStart(this.#topic, start)].filter(([partition]) => !staysElsewhere || partition === start.partition);
    return new Map(moved.map(([partition, place]) => [partition, place === "ended" ? "ended" : place.index]));
  }

  join(member: Member): void {
    this.#members.add(member);
    this.#rebalance();
    member.joined();
  }

  leave(member: Member): void {
    if (!this.#members.delete(member)) return;
    for (const seat of this.#seatsOf(member)) this.#vacate(seat);
    this.#rebalance();
  }

  expire(member: Member): void {
    this.#forget(member);
    this.#rebalance();
  }

  dissolve(): boolean {
    const members = [...this.#members];
    for (const member of members) this.#forget(member);
    return members.length > 0;
  }

  #forget(member: Member): void {
    if (!this.#members.delete(member)) return;
    for (const seat of this.#seatsOf(member)) {
      this.#vacate(seat);
      member.lost(seat);
    }
    member.mustRejoin();
  }

  steal(partition: string | undefined): boolean {
    const seat = [...this.#seats.values()].find(({ partition: owned }) => partition === undefined || owned.id === partition);
    if (seat === undefined) return false;
    const others = [...this.#members].filter((member) => member !== seat.member && member.state === "alive");
    this.#takeFrom(seat, others[0] ?? seat.member);
    return true;
  }

  /** The new owner starts first. The old owner learns of the loss afterwards. */
  #takeFrom(seat: Seat, next: Member): void {
    this.#vacate(seat);
    if (this.#isAssignable(seat.partition)) this.#seat(seat.partition, next);
    setImmediate(() => seat.member.lost(seat));
  }

  /** @returns the new note */
  #store(partition: string, place: number | "ended", ahead: StoredAhead | null): number {
    this.#places.set(partition, place);
    if (ahead === null) this.#ahead.delete(partition);
    else this.#ahead.set(partition, ahead);
    const note = (this.#notes.get(partition) ?? 0) + 1;
    this.#notes.set(partition, note);
    return note;
  }

  /** The result of a former owner. Without fencing it counts, and moves nothing back. */
  #settleLate(partition: string, through: string | null): StreamError | null {
    if (this.#rules.fencing) return ownershipLost(this.#topic.name, partition);
    const place = this.#places.get(partition);
    const next = through === null ? 0 : this.#topic.partitions.get(partition)!.log.positions.behind(through);
    if (typeof place === "number" && next > place) this.#store(partition, next, null);
    return null;
  }

  settle(member: Member, { assignment, through, ended, ahead }: Settlement): StreamError | null {
    const seat = this.#seats.get(assignment.partition);
    const isOwner = seat !== undefined && seat.member === member && seat.assignment === assignment;
    if (!isOwner) return this.#settleLate(assignment.partition, through);
    const { log } = seat.partition;
    const { endIndex } = log;
    const own = through === null ? seat.place : Math.max(seat.place, log.positions.behind(through));
    if (own > endIndex) {
      return memoryError("invalid-argument", `position ${through} lies behind the end of the partition`, { topic: this.#topic.name });
    }
    const kept = ahead === null || !this.#rules.handledAhead ? null : StoredAhead.of(ahead, own, log);
    if (kept === "malformed") {
      return memoryError("invalid-argument", "what is handled ahead must lie in order between the place and the end of the partition", {
        topic: this.#topic.name,
      });
    }
    seat.place = own;
    const stored = this.#places.get(assignment.partition);
    const place = typeof stored === "number" ? Math.max(stored, own) : own;
    // What was handled ahead of a lower place means nothing beside this one; alone it still says what is handled behind it.
    const isBehind = through !== null && own < place;
    const note = this.#store(assignment.partition, ended ? "ended" : place, isBehind ? null : (kept?.behind(place) ?? null));
    // Where a former owner has moved the place, the group does not stand where this ownership has left it: nothing resumes it.
    if (place === own) seat.note = note;
    if (ended) {
      this.#vacate(seat);
      this.#rebalance();
    }
    return null;
  }

  /** Settlements name a position in this group, so unsettled records are redelivered without a release. */
  release(): void {}

  deleted(error: StreamError): void {
    for (const member of this.#members) member.failed(error);
  }

  topicChanged(): void {
    if (this.#topic.deleted) for (const member of this.#members) member.failed(topicNotFound(this.#topic.name));
    else this.#rebalance();
  }

  #seatsOf(member: Member): Seat[] {
    return [...this.#seats.values()].filter((seat) => seat.member === member);
  }

  /** A child waits until all its parents are handled to their end. */
  #isAssignable({ id, parents }: Partition): boolean {
    return this.#places.get(id) !== "ended" && parents.every((parent) => this.#places.get(parent.id) === "ended");
  }

  #rebalance(): void {
    const owned = new Map([...this.#members].map((member) => [member, [] as string[]]));
    for (const seat of this.#seats.values()) if (!seat.revoking) owned.get(seat.member)?.push(seat.partition.id);
    const assignable = [...this.#topic.partitions.values()].filter((partition) => this.#isAssignable(partition));
    const shares = fairShares(
      owned,
      assignable.map(({ id }) => id),
    );
    const target = new Map([...shares].flatMap(([member, ids]) => ids.map((id) => [id, member] as const)));
    for (const partition of assignable) {
      const member = target.get(partition.id);
      const seat = this.#seats.get(partition.id);
      if (member === undefined || seat?.member === member || seat?.revoking === true) continue;
      if (seat === undefined) this.#seat(partition, member);
      else void this.#revoke(seat);
    }
  }

  /** The member decides when it has finished with the partition, but it has no longer than its session time-out. */
  async #revoke(seat: Seat): Promise<void> {
    seat.revoking = true;
    seat.end.abort();
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<true>((resolve) => {
      deadline = setTimeout(resolve, seat.member.sessionTimeoutMs, true).unref();
    });
    const overdue = await Promise.race([seat.member.revoking(seat).then(() => false), late]);
    clearTimeout(deadline);
    if (this.#seats.get(seat.partition.id) !== seat) return;
    this.#vacate(seat);
    if (overdue) seat.member.lost(seat);
    this.#rebalance();
  }

  #vacate(seat: Seat): void {
    seat.end.abort();
    // A member that often loses and resumes would keep all its ownerships otherwise.
    seat.assignment.resumes = null;
    this.#seats.delete(seat.partition.id);
    const former = this.#former.get(seat.member) ?? new Map<string, Seat>();
    this.#former.set(seat.member, former.set(seat.partition.id, seat));
  }

  #seat(partition: Partition, member: Member): void {
    const epoch = (this.#epochs.get(partition.id) ?? 0) + 1;
    this.#epochs.set(partition.id, epoch);
    const place = this.#places.get(partition.id) ?? 0;
    const index = place === "ended" ? partition.log.endIndex : place;
    this.#places.set(partition.id, index);
    const note = this.#notes.get(partition.id) ?? 0;
    const former = this.#former.get(member)?.get(partition.id);
    const assignment: Seat["assignment"] = {
      partition: partition.id,
      identity: member.identity,
      start: { kind: "at", position: partition.log.positions.nameOf(index) },
      epoch: String(epoch),
      ahead: this.#ahead.get(partition.id)?.named ?? null,
      origin: this.#origin,
      // The same note: nobody has settled since, and nobody has moved the group.
      resumes: former?.note === note ? former.assignment : null,
      isCurrent: () => member.hasSession,
    };
    const end = new AbortController();
    const feed = new LogFeed(this.#topic, partition.log, index, this.#rules.gapDetected);
    const seat: Seat = { assignment, feed, ended: end.signal, end, member, partition, revoking: false, place: index, note };
    this.#seats.set(partition.id, seat);
    member.assigned(seat);
  }
}
