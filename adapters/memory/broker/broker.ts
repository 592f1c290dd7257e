import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Fault } from "../../../src/driver/index.ts";
import { memoryError, topicNotFound, unavailable } from "../errors.ts";
import type { Layout } from "../profiles.ts";
import { Culprits, NO_FAULTS, type PlannedFaults } from "./faults.ts";
import { MemoryTopic, type MemoryTopicSettings } from "./topic.ts";

/** How long the broker is unavailable during a restart. */
const RESTART_MS = 20;

/** The server: topics with their logs and groups, and the faults planned for it. It lives as long as a reference to it exists. */
export class MemoryBroker {
  /** The id of the cluster that positions belong to. Every broker has a different one. */
  readonly cluster = `memory-${randomUUID()}`;
  /** Messages that a fault made invalid. */
  readonly culprits = new Culprits();
  readonly #topics = new Map<string, MemoryTopic>();
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
  createTopic(name: string, layout: Layout, settings: MemoryTopicSettings): MemoryTopic {
    if (this.#topics.has(name)) throw memoryError("already-exists", `topic ${JSON.stringify(name)} exists already`, { topic: name });
    this.#created += 1;
    const topic = new MemoryTopic(name, String(this.#created), layout, settings);
    this.#topics.set(name, topic);
    return topic;
  }

  /** @throws `not-found` */
  deleteTopic(name: string): void {
    const topic = this.topic(name);
    this.#topics.delete(name);
    topic.delete();
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
    if (fault.kind === "steal-partition") return groups.some((group) => group.steal(fault.partition));
    if (fault.kind === "lose-coordinator") return groups.filter((group) => group.dissolve()).length > 0;
    if (fault.kind !== "restart") return false;
    this.#awayUntilMs = performance.now() + RESTART_MS;
    for (const group of groups) group.dissolve();
    return true;
  }
}
