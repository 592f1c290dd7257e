import type { Deadlines } from "../deadlines.ts";
import { AckFailure, AckIds } from "./ack-ids.ts";
import type { Consumer } from "./consumer.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Entry } from "./entry.ts";
import { Lane } from "./lane.ts";
import { Lease } from "./lease.ts";
import type { StoredMessage } from "./stored-message.ts";

/** What a backlog asks of its subscription. */
export interface BacklogOwner {
  readonly isOrdered: boolean;
  readonly isExactlyOnce: boolean;
  /** Milliseconds since the epoch: what was published earlier is not delivered any more. */
  readonly retainedFromMs: number;
  acknowledged(message: StoredMessage): void;
  /** What was acknowledged is delivered again, because an earlier message of its key is. */
  takenBack(message: StoredMessage): void;
  /** @returns whether the message went to the dead-letter topic, after this many failed deliveries */
  forward(message: StoredMessage, failures: number): boolean;
}

/** The messages of a subscription that are not acknowledged, and who has them. */
export class Backlog {
  readonly #owner: BacklogOwner;
  readonly #deadlines: Deadlines;
  readonly #ackIds = new AckIds();
  readonly #entries = new Map<number, Entry>();
  readonly #lanes = new Map<string, Lane>();
  readonly #dispatcher: Dispatcher;
  #leases = 0;
  readonly #passed = (lease: Lease): void => this.#failed(lease, true);

  constructor(owner: BacklogOwner, deadlines: Deadlines) {
    this.#owner = owner;
    this.#deadlines = deadlines;
    this.#dispatcher = new Dispatcher((entry, consumer) => this.#deliver(entry, consumer));
  }

  get consumers(): readonly Consumer[] {
    return this.#dispatcher.consumers;
  }

  /** Everything that is not acknowledged, outstanding or not, in no order. */
  get messages(): readonly StoredMessage[] {
    this.#trim();
    return [...this.#entries.values()].map(({ message }) => message);
  }

  add(message: StoredMessage): void {
    this.#trim();
    const lane = this.#laneOf(message.orderingKey);
    const entry = new Entry(message, lane);
    this.#entries.set(message.sequence, entry);
    if (lane === null) return this.#dispatcher.queueEntry(entry);
    lane.append(entry);
    this.#dispatcher.queueLane(lane);
  }

  connect(consumer: Consumer): void {
    this.#dispatcher.add(consumer, this.#lanes.values());
  }

  /** The messages that are outstanding stay so. */
  disconnect(consumer: Consumer): void {
    this.#dispatcher.remove(consumer);
  }

  /** A consumer has room again. */
  roomChanged(): void {
    this.#dispatcher.schedule();
  }

  /** @returns why, for the ids that failed. @throws `Refusal` if one is malformed: then nothing is acknowledged */
  acknowledge(ackIds: readonly string[]): ReadonlyMap<string, string> {
    const failures = new Map<string, string>();
    for (const { ackId, sequence, lease } of this.#parse(ackIds)) {
      const failure = this.#acknowledge(this.#entries.get(sequence), lease);
      if (failure !== null) failures.set(ackId, failure);
    }
    return failures;
  }

  /** @param ms from now on; 0: the message is to be delivered again. @returns and throws as `acknowledge` */
  modifyDeadlines(changes: readonly { readonly ackId: string; readonly ms: number }[]): ReadonlyMap<string, string> {
    const failures = new Map<string, string>();
    const parsed = this.#parse(changes.map(({ ackId }) => ackId));
    for (const [index, { ackId, sequence, lease: number }] of parsed.entries()) {
      const lease = this.#entries.get(sequence)?.lease;
      const { ms } = changes[index]!;
      if (lease?.number !== number) {
        if (this.#owner.isExactlyOnce) failures.set(ackId, AckFailure.invalid);
      } else if (ms > 0) this.#deadlines.set(lease, ms);
      else this.#failed(lease, false);
    }
    return failures;
  }

  /** Who has the message of this id. `null`: nobody has, by this id. */
  holderOf(ackId: string): Consumer | null {
    const { sequence, lease: number } = this.#ackIds.parse(ackId);
    const lease = this.#entries.get(sequence)?.lease;
    return lease?.number === number ? lease.consumer : null;
  }

  /** Lets the deadlines of a consumer's messages pass, or all. @returns whether there was one */
  expireLeases(consumer?: Consumer): boolean {
    let isAny = false;
    for (const { lease } of [...this.#entries.values()]) {
      if (lease === null || (consumer !== undefined && lease.consumer !== consumer)) continue;
      // One before it may have ended it.
      if (lease.entry.lease === lease) this.#failed(lease, true);
      isAny = true;
    }
    return isAny;
  }

  /** Others are asked first when messages are handed out next. */
  postpone(consumer: Consumer): void {
    this.#dispatcher.postpone(consumer);
  }

  /** Replaces everything by these messages, in the order of storing; nothing is outstanding then. */
  reset(messages: readonly StoredMessage[]): void {
    for (const { lease } of this.#entries.values()) if (lease !== null) this.#end(lease);
    this.#dispatcher.clear();
    this.#entries.clear();
    this.#lanes.clear();
    for (const message of messages) this.add(message);
  }

  /** Drops the messages that retention has passed. */
  expire(isPassed: (message: StoredMessage) => boolean): void {
    for (const entry of [...this.#entries.values()]) if (isPassed(entry.message)) this.#drop(entry);
  }

  close(): void {
    for (const { lease } of this.#entries.values()) if (lease !== null) this.#end(lease);
    this.#dispatcher.close();
    this.#entries.clear();
    this.#lanes.clear();
  }

  #parse(ackIds: readonly string[]): readonly { readonly ackId: string; readonly sequence: number; readonly lease: number }[] {
    return ackIds.map((ackId) => ({ ackId, ...this.#ackIds.parse(ackId) }));
  }

  #laneOf(key: string): Lane | null {
    if (key === "" || !this.#owner.isOrdered) return null;
    let lane = this.#lanes.get(key);
    if (lane === undefined) this.#lanes.set(key, (lane = new Lane(key)));
    return lane;
  }

  #deliver(entry: Entry, consumer: Consumer): boolean {
    // It was settled while it waited.
    if (entry.isAcked || entry.lease !== null) return false;
    const { message, lane } = entry;
    if (message.publishedAtMs < this.#owner.retainedFromMs) {
      this.#drop(entry);
      return false;
    }
    this.#leases += 1;
    const ackId = this.#ackIds.of(message.sequence, this.#leases);
    const lease = new Lease(entry, consumer, this.#leases, ackId, this.#passed);
    entry.lease = lease;
    entry.lateLease = 0;
    if (lane !== null) lane.outstanding += 1;
    this.#deadlines.set(lease, consumer.ackDeadlineMs);
    consumer.deliver(lease);
    return true;
  }

  #acknowledge(entry: Entry | undefined, number: number): string | null {
    const isCurrent = entry !== undefined && entry.lease?.number === number;
    if (this.#owner.isExactlyOnce) {
      // That the message is acknowledged already is no success: the service does not tell it from a late call.
      if (!isCurrent) return AckFailure.invalid;
      if (entry.lane !== null && !entry.lane.isFirst(entry)) return AckFailure.unordered;
    } else if (!isCurrent && (entry === undefined || entry.lease !== null || entry.lateLease !== number)) return null;
    this.#settle(entry);
    return null;
  }

  #settle(entry: Entry): void {
    this.#drop(entry);
    this.#owner.acknowledged(entry.message);
  }

  #drop(entry: Entry): void {
    const { lane, lease, message } = entry;
    entry.isAcked = true;
    this.#entries.delete(message.sequence);
    if (lease !== null) this.#end(lease);
    if (lane === null) return;
    lane.settle();
    if (lane.isEmpty) this.#lanes.delete(lane.key);
    else this.#dispatcher.queueLane(lane);
  }

  /** The message is to be delivered again, and so are the later ones of its key. */
  #failed(lease: Lease, isLate: boolean): void {
    const { entry } = lease;
    this.#end(lease);
    entry.failures += 1;
    entry.lateLease = isLate ? lease.number : 0;
    if (entry.lane !== null) this.#rewind(entry.lane, entry);
    if (this.#owner.forward(entry.message, entry.failures)) this.#settle(entry);
    else if (entry.lane === null) this.#dispatcher.queueEntry(entry);
    else this.#dispatcher.queueLane(entry.lane);
  }

  #rewind(lane: Lane, entry: Entry): void {
    for (const follower of lane.rewindTo(entry)) {
      if (follower.isAcked) {
        follower.isAcked = false;
        this.#entries.set(follower.message.sequence, follower);
        this.#owner.takenBack(follower.message);
      }
      // An exactly-once subscription does not deliver a message again before its own deadline.
      if (follower.lease !== null && !this.#owner.isExactlyOnce) this.#end(follower.lease);
    }
  }

  #end(lease: Lease): void {
    const { entry, consumer } = lease;
    this.#deadlines.delete(lease);
    entry.lease = null;
    if (entry.lane !== null) entry.lane.outstanding -= 1;
    consumer.released(lease);
  }

  #trim(): void {
    const { retainedFromMs } = this.#owner;
    for (const entry of this.#entries.values()) {
      if (entry.message.publishedAtMs >= retainedFromMs) return;
      this.#drop(entry);
    }
  }
}
