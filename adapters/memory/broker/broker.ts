import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Fault } from "../../../src/driver/index.ts";
import { memoryError, topicNotFound, unavailable } from "../errors.ts";
import type { TopicForm } from "../profiles.ts";
import { Culprits, NO_FAULTS, type PlannedFaults } from "./faults.ts";
import { LeaseTable } from "./lease-table.ts";
import { MemoryTopic, type MemoryTopicSettings } from "./topic.ts";

/** How long the broker is unavailable during a restart. Members by leases notice it only when they cannot renew them in time. */
const RESTART_MS = 20;
const RESTART_WITH_LEASES_MS = 450;

/** The server: topics with their logs and groups, and the faults planned for it. It lives as long as a reference to it exists. */
export class MemoryBroker {
  /** The id of the cluster that positions belong to. Every broker has a different one. */
  readonly cluster = `memory-${randomUUID()}`;
  /** Messages that a fault made invalid. */
  readonly culprits = new Culprits();
  readonly #topics = new Map<string, MemoryTopic>();
  /** The leases of groups, by topic and group. They outlive their topic, as a table beside a stream does. */
  readonly #leases = new Map<string, Map<string, LeaseTable>>();
  #faults: PlannedFaults = NO_FAULTS;
  #awayUntilMs = 0;
  #created = 0;

  get faults(): PlannedFaults {
    return this.#faults;
  }

  /** From now on calls meet the faults of this plan. */
  meet(faults: PlannedFaults): void {
    this.#faults = faults;
  }

  /** @throws `not-found` */
  topic(name: string): MemoryTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw topicNotFound(name);
    return topic;
  }

  hasTopic(name: string): boolean {
    return this.#topics.has(name);
  }

  get topicNames(): readonly string[] {
    return [...this.#topics.keys()];
  }

  /** @throws `already-exists` */
  createTopic(name: string, form: TopicForm, settings: MemoryTopicSettings): MemoryTopic {
    if (this.#topics.has(name)) throw memoryError("already-exists", `topic ${JSON.stringify(name)} exists already`, { topic: name });
    this.#created += 1;
    const topic = new MemoryTopic(name, String(this.#created), form, settings);
    this.#topics.set(name, topic);
    return topic;
  }

  /** @throws `not-found` */
  deleteTopic(name: string): void {
    const topic = this.topic(name);
    this.#topics.delete(name);
    topic.delete();
  }

  /** The leases of a group. @param aheadBytes of a table that does not exist yet */
  leases(topic: string, group: string, aheadBytes: number): LeaseTable {
    const ofTopic = this.#leases.get(topic) ?? new Map<string, LeaseTable>();
    const table = ofTopic.get(group) ?? new LeaseTable(aheadBytes);
    this.#leases.set(topic, ofTopic.set(group, table));
    return table;
  }

  /** The groups of a topic for which there are leases. */
  leaseGroups(topic: string): readonly string[] {
    return [...(this.#leases.get(topic)?.keys() ?? [])];
  }

  /** @throws `unavailable` while the broker restarts */
  requireUp(): void {
    if (performance.now() < this.#awayUntilMs) throw unavailable("the memory broker is restarting");
  }

  /** Applies a fault to groups or to the broker. @returns whether it changed anything */
  applyFault(fault: Fault): boolean {
    const topics =
      fault.topic === undefined ? [...this.#topics.values()] : [this.#topics.get(fault.topic)].filter((topic) => topic !== undefined);
    const groups = topics.flatMap((topic) => [...topic.groups.values()]);
    const leased = topics.flatMap((topic) =>
      [...(this.#leases.get(topic.name)?.values() ?? [])].map((table) => ({ table, partitions: [...topic.partitions.keys()] })),
    );
    if (fault.kind === "steal-partition") {
      if (groups.some((group) => group.steal(fault.partition))) return true;
      return leased.some(({ table, partitions }) => partitions.some((id) => (fault.partition ?? id) === id && table.steal(id)));
    }
    if (fault.kind === "lose-coordinator") {
      const dissolved = groups.filter((group) => group.dissolve()).length;
      return dissolved + leased.filter(({ table, partitions }) => table.dissolve(partitions)).length > 0;
    }
    if (fault.kind !== "restart") return false;
    // The leases are stored: their owners still have them when the service is back.
    this.#awayUntilMs = performance.now() + (leased.length > 0 ? RESTART_WITH_LEASES_MS : RESTART_MS);
    for (const group of groups) group.dissolve();
    return true;
  }
}
