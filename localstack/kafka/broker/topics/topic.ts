import { Partition } from "./partition.ts";
import { type TopicConfig, topicConfig } from "./topic-config.ts";

export interface TopicDefinition {
  readonly name: string;
  readonly topicId: string;
  /** The brokers of each partition, its leader first. */
  readonly assignment: readonly (readonly number[])[];
  readonly settings: ReadonlyMap<string, string>;
  readonly brokerWide: ReadonlyMap<string, string>;
}

/** A topic: its settings, and its partitions, whose number only grows. */
export class Topic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: Partition[];
  /** The values of settings that the topic does not set itself, by the names of topic settings. */
  readonly brokerWide: ReadonlyMap<string, string>;
  #settings: ReadonlyMap<string, string>;
  #config: TopicConfig;

  constructor({ name, topicId, assignment, settings, brokerWide }: TopicDefinition, nowMs: number) {
    this.name = name;
    this.topicId = topicId;
    this.partitions = assignment.map((replicas, index) => new Partition(index, replicas, nowMs));
    this.brokerWide = brokerWide;
    this.#settings = settings;
    this.#config = topicConfig(settings, brokerWide);
  }

  get replicationFactor(): number {
    return this.partitions[0]?.replicas.length ?? 0;
  }

  get config(): TopicConfig {
    return this.#config;
  }

  /** The settings that the topic sets itself. */
  get settings(): ReadonlyMap<string, string> {
    return this.#settings;
  }

  set settings(settings: ReadonlyMap<string, string>) {
    this.#settings = settings;
    this.#config = topicConfig(settings, this.brokerWide);
  }

  grow(assignment: readonly (readonly number[])[], nowMs: number): void {
    for (const replicas of assignment) this.partitions.push(new Partition(this.partitions.length, replicas, nowMs));
  }
}
