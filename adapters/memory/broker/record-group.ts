import type { Assignment, PartitionPlace, Settlement, StartPoint, StoredRecord, StreamError } from "../../../src/driver/index.ts";
import { topicNotFound } from "../errors.ts";
import { type MemoryRecord, unreadableAt } from "../records.ts";
import type { Feed, FetchAnswer } from "./feed.ts";
import type { Group, Ownership } from "./group.ts";
import { type Holder, Leases } from "./leases.ts";
import type { Log } from "./log.ts";
import { keyByKey } from "./key-order-feed.ts";
import { resolveMarked } from "./marks.ts";
import type { Member } from "./member.ts";
import type { Partition } from "./partition.ts";
import type { PartitionLag } from "./partition-lag.ts";
import type { MemoryTopic } from "./topic.ts";
import type { Wake } from "./wake.ts";

const MAX_RECORDS = 1_000;
const MAX_BYTES = 1_048_576;

/** A member's share: all members own the one partition at the same time, and each one gets the records of its own keys. */
class Seat implements Ownership, Feed, Holder {
  readonly member: Member;
  readonly assignment: Assignment;
  readonly inbox: MemoryRecord[] = [];
  readonly #group: RecordGroup;
  /** Records that are taken, for the next answers. */
  #taken: MemoryRecord[] = [];
  readonly #end = new AbortController();

  constructor(group: RecordGroup, member: Member, partition: string) {
    this.#group = group;
    this.member = member;
    const isCurrent = (): boolean => member.hasSession;
    this.assignment = { partition, identity: member.identity, start: null, epoch: null, ahead: null, resumes: null, isCurrent };
  }

  get feed(): Feed {
    return this;
  }

  get ended(): AbortSignal {
    return this.#end.signal;
  }

  get changed(): Wake {
    return this.#group.log.changed;
  }

  next(): FetchAnswer {
    if (this.#taken.length === 0) this.#taken = this.#group.takeFor(this);
    const [first] = this.#taken;
    if (first === undefined) return { kind: "caught-up" };
    const { damage } = this.#group.log;
    if (damage.shows(first.index) && damage.shows(first.index)) {
      this.#taken.shift();
      return { kind: "unreadable", range: unreadableAt(first.position) };
    }
    const end = this.#taken.findIndex(({ index }, at) => at > 0 && damage.has(index));
    return { kind: "records", records: keyByKey(this.#taken.splice(0, end < 0 ? this.#taken.length : end)) };
  }

  /** The group was moved: what waits for this member may not be its next records. */
  forget(): void {
    this.inbox.length = 0;
    this.#taken.length = 0;
  }

  close(): void {
    this.#end.abort();
  }
}

/**
 * A group in which each record is settled separately, as in a subscription of Pub/Sub. A record is leased to one member
 * until it is handled or released, or its member is gone. The records of a key stay with one member while any of them is leased.
 */
export class RecordGroup implements Group {
  readonly log: Log;
  readonly #topic: MemoryTopic;
  readonly #partition: Partition;
  readonly #seats = new Map<Member, Seat>();
  #leases: Leases<Seat>;
  #started = false;

  constructor(topic: MemoryTopic) {
    this.#topic = topic;
    this.#partition = topic.open[0]!;
    this.log = this.#partition.log;
    this.#leases = new Leases(this.log, { from: 0, read: new Set() });
  }

  get members(): ReadonlySet<Member> {
    return new Set(this.#seats.keys());
  }

  get started(): boolean {
    return this.#started;
  }

  readonly ahead: Group["ahead"] = new Map();

  get places(): ReadonlyMap<string, PartitionPlace> {
    return new Map([[this.#partition.id, { kind: "at", position: this.log.positions.nameOf(this.#leases.handledUpTo) }]]);
  }

  lag(nowMs: number): readonly PartitionLag[] {
    this.#topic.trim(nowMs);
    const messages = this.#leases.unhandled;
    const timeMs = messages === 0 ? 0 : Math.max(0, nowMs - this.log.timestampOf(this.#leases.handledUpTo));
    return [{ partition: this.#partition.id, messages, timeMs }];
  }

  plan(start: StartPoint): ReadonlyMap<string, PartitionPlace> {
    return new Map([[this.#partition.id, resolveMarked(this.#topic, start).place]]);
  }

  moveTo(start: StartPoint): void {
    this.#leases = new Leases(this.log, resolveMarked(this.#topic, start).mark);
    this.#started = true;
    // Only where members are not known to the administration there are any.
    for (const seat of this.#seats.values()) seat.forget();
    this.log.changed.wake();
  }

  join(member: Member): void {
    const seat = new Seat(this, member, this.#partition.id);
    this.#seats.set(member, seat);
    // The new member gets its share of the records that no member has taken yet.
    this.#leases.returnUndelivered();
    member.assigned(seat);
    member.joined();
    this.log.changed.wake();
  }

  leave(member: Member): void {
    this.#vacate(member);
  }

  expire(member: Member): void {
    const seat = this.#vacate(member);
    if (seat === undefined) return;
    member.lost(seat);
    member.mustRejoin();
  }

  dissolve(): boolean {
    const members = [...this.#seats.keys()];
    for (const member of members) this.expire(member);
    return members.length > 0;
  }

  /** The leases of one member run out. It does not learn of it: only other members, if there are any, get the records. */
  steal(partition: string | undefined): boolean {
    const [seat, ...others] = this.#seats.values();
    if (seat === undefined || (partition !== undefined && partition !== this.#partition.id)) return false;
    seat.forget();
    this.#leases.returnAll(seat);
    const awake = others.filter(({ member }) => member.state === "alive");
    this.#leases.spread(awake.length > 0 ? awake : [seat]);
    this.log.changed.wake();
    return true;
  }

  #vacate(member: Member): Seat | undefined {
    const seat = this.#seats.get(member);
    if (seat === undefined) return undefined;
    seat.close();
    this.#seats.delete(member);
    this.#leases.returnAll(seat);
    this.log.changed.wake();
    return seat;
  }

  /** A late result of a former holder counts: there is no fencing. */
  settle(_: Member, { records }: Settlement): StreamError | null {
    const wasFull = this.#leases.isFull;
    for (const { position } of records) this.#leases.handled(this.log.positions.from(position));
    // Members that found no record to lease wait for records, as at the end of the log.
    if (wasFull && !this.#leases.isFull) this.log.changed.wake();
    return null;
  }

  release(member: Member, assignment: Assignment, records: readonly StoredRecord[]): void {
    const seat = this.#seats.get(member);
    if (seat?.assignment !== assignment) return;
    const indexes = records.map(({ position }) => this.log.positions.from(position));
    this.#leases.release(seat, indexes);
    this.log.changed.wake();
  }

  deleted(error: StreamError): void {
    for (const member of this.#seats.keys()) member.failed(error);
  }

  topicChanged(): void {
    if (this.#topic.deleted) for (const member of this.#seats.keys()) member.failed(topicNotFound(this.#topic.name));
  }

  /** Leases the new records to the members, then answers those of this member. */
  takeFor(seat: Seat): MemoryRecord[] {
    this.log.trim(this.#topic.retention, Date.now());
    const seats = [...this.#seats.values()];
    if (this.#leases.spread(seats)) this.log.changed.wake();
    return this.#leases.deliver(seat, MAX_RECORDS, MAX_BYTES);
  }
}
