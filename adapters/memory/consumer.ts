import type { Assignment, ConsumerDriver, ConsumerSettings, Settlement, Sink, StoredRecord, StreamError } from "../../src/driver/index.ts";
import type { Ownership } from "./broker/group.ts";
import { createGroup } from "./broker/groups.ts";
import { Member } from "./broker/member.ts";
import { childrenOf } from "./broker/partition.ts";
import type { MemoryTopic } from "./broker/topic.ts";
import { classify, groupNotFound } from "./errors.ts";
import { type Follower, follow } from "./follow.ts";
import type { Service } from "./service.ts";
import { identityOf, topicFor } from "./topic-access.ts";

/** One member of a group: carries what the group says to the sink, and fetches what it owns. */
export class MemoryConsumer implements ConsumerDriver {
  readonly settlementUnit: "position" | "record";
  readonly #service: Service;
  readonly #topicName: string;
  readonly #settings: ConsumerSettings;
  readonly #closing = new AbortController();
  #member: Member | undefined;
  #sink: Sink | undefined;

  constructor(service: Service, topic: string, settings: ConsumerSettings) {
    this.#service = service;
    this.#topicName = topic;
    this.#settings = settings;
    this.settlementUnit = service.profile.settlementUnit;
  }

  async start(sink: Sink, signal: AbortSignal): Promise<void> {
    this.#sink = sink;
    await this.#join(AbortSignal.any([signal, this.#closing.signal]));
  }

  async #join(signal: AbortSignal): Promise<void> {
    const call = { kind: "join", operation: "join", topic: this.#topicName, partitions: null, bytes: 0 } as const;
    await this.#service.retrying(call, signal, () => this.#takeSeat());
  }

  /** Resolves the group's start for all partitions and stores it, before anything can be delivered. */
  #takeSeat(): void {
    const sink = this.#sink!;
    const { broker, profile } = this.#service;
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
    const identity = identityOf(broker, topic, profile.capabilities);
    this.#member ??= new Member(identity, this.#settings.sessionTimeoutMs, {
      joined: () => sink.joined(),
      assigned: (ownership) => this.#assigned(topic, ownership),
      revoking: (ownership, deadlineMs) => sink.revoking(ownership.assignment, deadlineMs),
      lost: (ownership) => sink.lost(ownership.assignment),
      mustRejoin: () => {
        sink.rejoining();
        this.#run(this.#join(this.#closing.signal));
      },
      failed: (error) => sink.failed(error),
    });
    this.#member.join(group);
  }

  #assigned(topic: MemoryTopic, ownership: Ownership): void {
    this.#sink!.assigned(ownership.assignment);
    this.#run(this.#fetch(topic, ownership));
  }

  /** Background work: its failure is the member's. */
  #run(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#closing.signal.aborted) this.#sink!.failed(classify(error));
    });
  }

  async #fetch(topic: MemoryTopic, { assignment, feed, ended }: Ownership): Promise<void> {
    const over = AbortSignal.any([ended, this.#closing.signal]);
    try {
      await follow(this.#service, topic, assignment.partition, feed, this.#follower(topic, assignment, over), over);
    } catch (error) {
      if (!over.aborted) throw error;
    }
  }

  #follower(topic: MemoryTopic, assignment: Assignment, over: AbortSignal): Follower {
    const sink = this.#sink!;
    const member = this.#member!;
    return {
      async deliver(records) {
        if (member.state !== "alive") await member.whenAwake(over);
        if (!over.aborted) await sink.deliver(assignment, records);
        return !over.aborted;
      },
      async unreadable(range) {
        if (member.state !== "alive") await member.whenAwake(over);
        if (!over.aborted) await sink.unreadable(assignment, range);
        return !over.aborted;
      },
      async gap(gap) {
        await member.whenAwake(over);
        try {
          await sink.gap(assignment, gap);
          return true;
        } catch {
          // The core knows the reason, since it gave it: here it only says to stop.
          return false;
        }
      },
      caughtUp() {
        if (member.state === "alive") sink.caughtUp(assignment);
        return true;
      },
      advanced(through) {
        if (member.state === "alive") sink.advanced(assignment, through);
        return true;
      },
      ended: () => sink.ended(assignment, childrenOf(topic.partitions.get(assignment.partition)!)),
    };
  }

  async settle(settlements: readonly Settlement[], signal: AbortSignal): Promise<readonly (StreamError | null)[]> {
    const member = this.#member!;
    await member.whenAwake(signal);
    const partitions = settlements.map(({ assignment }) => assignment.partition);
    try {
      await this.#service.enter({ kind: "commit", operation: "commit", topic: this.#topicName, partitions, bytes: 0 }, signal);
    } catch (error) {
      signal.throwIfAborted();
      return settlements.map(() => classify(error));
    }
    return settlements.map((settlement) => member.settle(settlement));
  }

  release(assignment: Assignment, records: readonly StoredRecord[]): void {
    this.#member?.release(assignment, records);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#member?.leave();
  }
}
