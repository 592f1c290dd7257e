import { randomBytes } from "node:crypto";
import { ErrorCode, Refusal } from "../error-code.ts";
import { checkTopicSettings } from "./topic-settings.ts";
import { Topic } from "./topic.ts";

/** The properties of a new topic; `null`: the broker's default. */
export interface NewTopic {
  readonly name: string;
  readonly partitions: number | null;
  readonly replicationFactor: number | null;
  /** The brokers of each partition, in place of the two numbers above. */
  readonly assignment: readonly (readonly number[])[] | null;
  readonly settings: ReadonlyMap<string, string>;
}

export interface TopicDefaults {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly settings: ReadonlyMap<string, string>;
}

const LONGEST_NAME = 249;
/** More partitions would only fill the memory of a test. */
const MOST_PARTITIONS = 10_000;

/** All topics of a cluster. An invalid change throws a `Refusal`. */
export class Topics {
  readonly #byName = new Map<string, Topic>();
  readonly #byId = new Map<string, Topic>();
  readonly #nodeIds: readonly number[];
  readonly #defaults: TopicDefaults;
  #turn = 0;

  constructor(nodeIds: readonly number[], defaults: TopicDefaults) {
    this.#nodeIds = nodeIds;
    this.#defaults = defaults;
  }

  get all(): readonly Topic[] {
    return [...this.#byName.values()];
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name);
  }

  withId(topicId: string): Topic | undefined {
    return this.#byId.get(topicId);
  }

  /** @param isTrial checks everything and creates nothing */
  create(wanted: NewTopic, nowMs: number, isTrial = false): Topic {
    const { name } = wanted;
    this.requireNew(name);
    checkTopicSettings(wanted.settings, this.#defaults.settings);
    const assignment = wanted.assignment ?? this.#assign(wanted);
    this.#checkAssignment(assignment);
    const topicId = randomBytes(16).toString("base64url");
    const topic = new Topic({ name, topicId, assignment, settings: wanted.settings, brokerWide: this.#defaults.settings }, nowMs);
    if (isTrial) return topic;
    this.#byName.set(name, topic);
    this.#byId.set(topicId, topic);
    return topic;
  }

  /** @throws `Refusal` for a name that is invalid or taken */
  requireNew(name: string): void {
    if (!isTopicName(name)) throw new Refusal(ErrorCode.invalidTopicException, `Topic name is invalid: ${JSON.stringify(name)}`);
    if (this.#byName.has(name)) throw new Refusal(ErrorCode.topicAlreadyExists, `Topic '${name}' already exists.`);
    this.#requireNoCollision(name);
  }

  delete(topic: Topic): void {
    this.#byName.delete(topic.name);
    this.#byId.delete(topic.topicId);
    // Fetches that wait for the topic learn that it is deleted.
    for (const partition of topic.partitions) partition.changed();
  }

  grow(topic: Topic, count: number, given: readonly (readonly number[])[] | null, nowMs: number, isTrial: boolean): void {
    const have = topic.partitions.length;
    const invalid = (message: string): Refusal => new Refusal(ErrorCode.invalidPartitions, message);
    if (count < have) throw invalid(`The topic ${topic.name} currently has ${have} partition(s); ${count} would not be an increase.`);
    if (count === have) throw invalid(`Topic already has ${have} partition(s).`);
    if (count > MOST_PARTITIONS) throw invalid(`${count} partitions are more than ${MOST_PARTITIONS}.`);
    if (given !== null && given.length !== count - have) {
      throw new Refusal(ErrorCode.invalidReplicaAssignment, `${given.length} assignments are not those of ${count - have} new partitions.`);
    }
    const assignment = given ?? this.#brokersOf(count - have, topic.replicationFactor);
    this.#checkAssignment(assignment);
    if (!isTrial) topic.grow(assignment, nowMs);
  }

  #requireNoCollision(name: string): void {
    const alike = (text: string): string => text.replaceAll(".", "_");
    if (!/[._]/.test(name)) return;
    const other = this.all.find((topic) => alike(topic.name) === alike(name));
    if (other === undefined) return;
    throw new Refusal(ErrorCode.invalidTopicException, `Topic '${name}' collides with existing topic: ${other.name}`);
  }

  #assign({ partitions, replicationFactor }: NewTopic): readonly (readonly number[])[] {
    const count = partitions ?? this.#defaults.partitions;
    const replicas = replicationFactor ?? this.#defaults.replicationFactor;
    if (replicas < 1) throw new Refusal(ErrorCode.invalidReplicationFactor, "Replication factor must be larger than 0.");
    if (count < 1 || count > MOST_PARTITIONS) {
      throw new Refusal(ErrorCode.invalidPartitions, `Number of partitions was set to an invalid value: ${count}.`);
    }
    if (replicas > this.#nodeIds.length) {
      const have = `${this.#nodeIds.length} broker(s) are registered`;
      throw new Refusal(ErrorCode.invalidReplicationFactor, `The target replication factor of ${replicas} cannot be reached: ${have}.`);
    }
    return this.#brokersOf(count, replicas);
  }

  /** Spreads the leaders over the brokers, and the replicas in the same way. */
  #brokersOf(partitions: number, replicas: number): readonly (readonly number[])[] {
    const ids = this.#nodeIds;
    return Array.from({ length: partitions }, () => {
      const first = this.#turn++;
      return Array.from({ length: replicas }, (_, replica) => ids[(first + replica) % ids.length]!);
    });
  }

  #checkAssignment(assignment: readonly (readonly number[])[]): void {
    const replicas = assignment[0]?.length ?? 0;
    for (const brokers of assignment) {
      const isSound =
        brokers.length === replicas && new Set(brokers).size === replicas && brokers.every((id) => this.#nodeIds.includes(id));
      if (replicas > 0 && isSound) continue;
      throw new Refusal(ErrorCode.invalidReplicaAssignment, `brokers ${brokers.join(", ")} cannot be those of a partition`);
    }
  }
}

export function isTopicName(name: string): boolean {
  return /^[a-zA-Z0-9._-]+$/.test(name) && name.length <= LONGEST_NAME && name !== "." && name !== "..";
}
