import { type PartitionHandler, followPartition, groupHandler } from "../../src/adapter-kit/index.ts";
import type { Assignment, ConsumerDriver, ConsumerSettings, Settlement, Sink, StoredRecord, StreamError } from "../../src/driver/index.ts";
import type { Ownership } from "./broker/group.ts";
import { createGroup } from "./broker/groups.ts";
import { Member } from "./broker/member.ts";
import type { MemoryTopic } from "./broker/topic.ts";
import { classify, groupNotFound, memoryError } from "./errors.ts";
import { FeedCursor } from "./feed-cursor.ts";
import { OutstandingRecords } from "./outstanding-records.ts";
import type { Service } from "./service.ts";
import { identityOf, topicFor } from "./topic-access.ts";

/** A member that has joined its group, and the sink that receives what the group assigns to it. */
interface JoinedMember {
  readonly member: Member;
  readonly sink: Sink;
  /** Absent where settlements name a position: then nothing is delivered twice under one assignment. */
  readonly outstanding: OutstandingRecords | undefined;
}

/** One member of a group. It passes on to the sink what the group reports, and fetches the partitions that it owns. */
export class MemoryConsumer implements ConsumerDriver {
  readonly settlementUnit: ConsumerDriver["settlementUnit"];
  readonly settleWithin: ConsumerDriver["settleWithin"];
  readonly #service: Service;
  readonly #topicName: string;
  readonly #settings: ConsumerSettings;
  readonly #closing = new AbortController();
  #joined: JoinedMember | undefined;

  constructor(service: Service, topic: string, settings: ConsumerSettings) {
    this.#service = service;
    this.#topicName = topic;
    this.#settings = settings;
    this.settlementUnit = service.profile.settlementUnit;
    this.settleWithin = service.profile.settleWithin;
  }

  async start(sink: Sink, signal: AbortSignal): Promise<void> {
    const { leastSessionMs } = this.#service.profile;
    const { sessionTimeoutMs } = this.#settings;
    if (sessionTimeoutMs < leastSessionMs) {
      const text = `sessionTimeoutMs must be at least ${leastSessionMs}; received ${sessionTimeoutMs}`;
      throw memoryError("invalid-argument", text, { topic: this.#topicName });
    }
    await this.#join(sink, AbortSignal.any([signal, this.#closing.signal]));
  }

  async #join(sink: Sink, signal: AbortSignal): Promise<void> {
    const call = { kind: "join", operation: "join", topic: this.#topicName, partitions: null, bytes: 0 } as const;
    await this.#service.retrying(call, signal, () => this.#takeSeat(sink));
  }

  /** Resolves the group's start for all partitions and stores it, before anything can be delivered. */
  #takeSeat(sink: Sink): void {
    const { profile } = this.#service;
    const topic = topicFor(this.#service, this.#topicName);
    const name = this.#settings.nativeGroup ?? this.#settings.group;
    let group = topic.groups.get(name);
    if (group === undefined || !group.started) {
      if (this.#settings.initialPosition === "fail") {
        sink.failed(groupNotFound(topic.name, name));
        return;
      }
      group ??= createGroup(profile, topic);
      group.moveTo(this.#settings.initialPosition);
      topic.groups.set(name, group);
    }
    this.#joined ??= this.#createMember(topic, sink);
    this.#joined.member.join(group);
  }

  #createMember(topic: MemoryTopic, sink: Sink): JoinedMember {
    const { broker, profile } = this.#service;
    const identity = identityOf(broker, topic, profile.capabilities);
    const outstanding = this.settlementUnit === "record" ? new OutstandingRecords() : undefined;
    const member: Member = new Member(identity, this.#settings.sessionTimeoutMs, {
      joined: () => sink.joined(),
      assigned: (ownership) => {
        sink.assigned(ownership.assignment);
        this.#run(sink, this.#fetch(topic, ownership, joined));
      },
      revoking: (ownership, deadlineMs) => sink.revoking(ownership.assignment, deadlineMs),
      lost: (ownership) => sink.lost(ownership.assignment),
      mustRejoin: () => {
        sink.rejoining();
        this.#run(sink, this.#join(sink, this.#closing.signal));
      },
      failed: (error) => sink.failed(error),
    });
    const joined: JoinedMember = { member, sink, outstanding };
    return joined;
  }

  /** Runs work in the background. When it fails, the member has failed. */
  #run(sink: Sink, work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#closing.signal.aborted) sink.failed(classify(error));
    });
  }

  async #fetch(topic: MemoryTopic, { assignment, feed, ended }: Ownership, joined: JoinedMember): Promise<void> {
    const over = AbortSignal.any([ended, this.#closing.signal]);
    const cursor = new FeedCursor(this.#service, topic, assignment.partition, feed);
    // What a fetch leases in the unit `record` is withheld from the other members.
    const fetchesAhead = this.settlementUnit === "position";
    await followPartition(cursor, wakefulHandler(assignment, joined, over), over, fetchesAhead);
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    const { member, outstanding } = this.#joined ?? this.#notJoined();
    await member.whenAwake(signal);
    const partitions = settlements.map(({ assignment }) => assignment.partition);
    try {
      await this.#service.enter({ kind: "commit", operation: "commit", topic: this.#topicName, partitions, bytes: 0 }, signal);
    } catch (error) {
      signal.throwIfAborted();
      return settlements.map(() => classify(error));
    }
    return settlements.map((settlement) => {
      const error = member.settle(settlement);
      if (error === null) outstanding?.remove(settlement.assignment, settlement.records);
      return error;
    });
  }

  #notJoined(): never {
    throw memoryError("internal", "the consumer was used before it had joined its group", { topic: this.#topicName });
  }

  release(assignment: Assignment, records: readonly StoredRecord[]): void {
    this.#joined?.outstanding?.remove(assignment, records);
    this.#joined?.member.release(assignment, records);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#joined?.member.leave();
  }
}

/** Passes the records of one partition on to the sink, when the member is awake, and no record that is outstanding. */
function wakefulHandler(assignment: Assignment, { member, sink, outstanding }: JoinedMember, over: AbortSignal): PartitionHandler {
  const handler = groupHandler(sink, assignment, over);
  const notDelivered = <Record extends { readonly position: string }>(records: readonly Record[]): readonly Record[] =>
    outstanding?.add(assignment, records) ?? records;
  const isAwake = (): boolean => member.state === "alive";
  return {
    ...handler,
    async deliver(records) {
      if (!isAwake()) await member.whenAwake(over);
      if (over.aborted) return false;
      const delivered = notDelivered(records);
      return delivered.length === 0 || handler.deliver(delivered);
    },
    async unreadable(range) {
      if (!isAwake()) await member.whenAwake(over);
      if (over.aborted) return false;
      return notDelivered([{ position: range.last }]).length === 0 || handler.unreadable(range);
    },
    async gap(gap) {
      await member.whenAwake(over);
      return handler.gap(gap);
    },
    caughtUp: (emptyUntilMs) => !isAwake() || handler.caughtUp(emptyUntilMs),
    advanced: (through) => !isAwake() || handler.advanced(through),
  };
}
