import { crc32 } from "node:zlib";
import type { EmulatorClock } from "../clock.ts";
import type { Deadlines } from "../deadlines.ts";
import type { StoredMessage } from "../delivery/stored-message.ts";
import { LIMITS } from "../limits.ts";
import { Code, Refusal, alreadyExists, idOf, notFound } from "../refusal.ts";
import type { MessageCodec } from "../wire/message-codec.ts";
import type { SubscriptionMessage, TopicMessage } from "../wire/messages.ts";
import { secondsOf } from "../wire/seconds.ts";
import { inProject, projectOf } from "./names.ts";
import type { PublishedMessage } from "./publish-check.ts";
import { Schemas } from "./schemas.ts";
import { Snapshot } from "./snapshot.ts";
import { Subscription, type SubscriptionHost, snapshotLifetimeMs } from "./subscription.ts";
import { Topic } from "./topic.ts";

export interface RegistryOptions {
  readonly clock: EmulatorClock;
  readonly deadlines: Deadlines;
  readonly codec: MessageCodec;
  /** How long a new subscription is not found. */
  readonly visibilityDelayMs: number;
  /** By how much the clock of each server that takes messages differs; none: there is one, and it does not. */
  readonly publishClocksMs: readonly number[];
  /** The projects that exist; `null`: every one. */
  readonly projects: ReadonlySet<string> | null;
}

/** Ids have the length of the service's. */
const FIRST_ID = 10_000_000_000_000_000n;

/** The topics, subscriptions and snapshots of all projects. */
export class Registry implements SubscriptionHost {
  readonly clock: EmulatorClock;
  readonly deadlines: Deadlines;
  readonly schemas = new Schemas();
  readonly #codec: MessageCodec;
  readonly #options: RegistryOptions;
  readonly #topics = new Map<string, Topic>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #snapshots = new Map<string, Snapshot>();
  #sequence = 0;
  #publishTurn = 0;

  constructor(options: RegistryOptions) {
    this.clock = options.clock;
    this.deadlines = options.deadlines;
    this.#codec = options.codec;
    this.#options = options;
  }

  /** @throws `Refusal` (NOT_FOUND) */
  topic(name: string): Topic {
    this.checkProject(name);
    const topic = this.#topics.get(name);
    if (topic === undefined) throw notFound(name);
    return topic;
  }

  /** @throws `Refusal` (NOT_FOUND), also while a new one is not visible yet */
  subscription(name: string): Subscription {
    this.checkProject(name);
    const subscription = this.findSubscription(name);
    if (subscription === null || subscription.visibleAtMs > this.clock.elapsedMs) throw notFound(name);
    return subscription;
  }

  /** Unlike `subscription`, this is no use of it. `null`: there is none. */
  findSubscription(name: string): Subscription | null {
    const subscription = this.#subscriptions.get(name);
    if (subscription === undefined) return null;
    const { nowMs } = this.clock;
    if (subscription.connected.length > 0 || nowMs - subscription.usedAtMs <= subscription.ttlMs) return subscription;
    this.#remove(subscription);
    return null;
  }

  /** @throws `Refusal` (NOT_FOUND) */
  snapshot(name: string): Snapshot {
    this.checkProject(name);
    const snapshot = this.findSnapshot(name);
    if (snapshot === null) throw notFound(name);
    return snapshot;
  }

  findTopic(name: string): Topic | null {
    return this.#topics.get(name) ?? null;
  }

  /** By name. */
  topicsOf(project: string): readonly Topic[] {
    return inProject([...this.#topics.values()], project);
  }

  get allTopics(): Iterable<Topic> {
    return this.#topics.values();
  }

  subscriptionsOf(project: string): readonly Subscription[] {
    return inProject(
      this.#existing(this.#subscriptions.keys(), (name) => this.findSubscription(name)),
      project,
    );
  }

  get allSubscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values();
  }

  snapshotsOf(project: string): readonly Snapshot[] {
    return inProject(
      this.#existing(this.#snapshots.keys(), (name) => this.findSnapshot(name)),
      project,
    );
  }

  /** @throws `Refusal` (NOT_FOUND) for a project that does not exist */
  checkProject(name: string): void {
    const { projects } = this.#options;
    if (projects === null) return;
    const project = projectOf(name);
    if (projects.has(project)) return;
    const text = `Requested project not found or user does not have access to it (project=${project}).`;
    throw new Refusal(Code.notFound, text);
  }

  createTopic(settings: TopicMessage): Topic {
    this.checkProject(settings.name);
    if (this.#topics.has(settings.name)) throw alreadyExists(settings.name);
    const topic = new Topic(settings, this.schemas.ofTopic(settings.schemaSettings), this.clock);
    this.#topics.set(topic.name, topic);
    return topic;
  }

  deleteTopic(name: string): void {
    const topic = this.topic(name);
    this.#topics.delete(name);
    for (const subscription of topic.subscriptions) subscription.topicDeleted();
    for (const snapshot of topic.snapshots) snapshot.topic = null;
  }

  createSubscription(settings: SubscriptionMessage): Subscription {
    this.checkProject(settings.name);
    if (this.findSubscription(settings.name) !== null) throw alreadyExists(settings.name);
    const subscription = new Subscription(settings, this.topic(settings.topic), this, this.#options.visibilityDelayMs);
    this.#subscriptions.set(subscription.name, subscription);
    return subscription;
  }

  deleteSubscription(name: string): void {
    this.#remove(this.subscription(name));
  }

  /** @throws `Refusal` (FAILED_PRECONDITION) if the backlog is so old that the snapshot would live for less than an hour */
  createSnapshot(name: string, of: Subscription, labels: Readonly<Record<string, string>>): Snapshot {
    if (this.findSnapshot(name) !== null) throw alreadyExists(name);
    const { topic } = of;
    if (topic === null) throw new Refusal(Code.failedPrecondition, `The topic of subscription ${idOf(of.name)} was deleted.`);
    if (this.snapshotsOf(projectOf(name)).length >= LIMITS.snapshots) {
      throw new Refusal(Code.resourceExhausted, `The project has ${LIMITS.snapshots} snapshots, which is the maximum.`);
    }
    const { nowMs } = this.clock;
    const unacknowledged = of.unacknowledged;
    const lifetimeMs = snapshotLifetimeMs(unacknowledged, nowMs);
    if (lifetimeMs < LIMITS.leastSnapshotLifetimeMs) {
      throw new Refusal(
        Code.failedPrecondition,
        "The backlog of the subscription is too old: the snapshot would expire in less than 1 hour.",
      );
    }
    const snapshot = new Snapshot(name, topic, {
      labels,
      expiresAtMs: nowMs + lifetimeMs,
      after: this.#sequence,
      isOrdered: of.isOrdered,
      unacknowledged,
    });
    topic.snapshots.add(snapshot);
    this.#snapshots.set(name, snapshot);
    return snapshot;
  }

  deleteSnapshot(name: string): void {
    this.#dropSnapshot(this.snapshot(name));
  }

  /** @returns the ids, in the order of the messages */
  publish(topic: Topic, messages: readonly PublishedMessage[]): readonly string[] {
    const publishedAtMs = this.clock.nowMs + this.#clockOf(messages[0]?.orderingKey ?? "");
    const publishTime = secondsOf(publishedAtMs);
    const added = topic.schema?.attributes;
    return messages.map(({ data, attributes: own, orderingKey }) => {
      this.#sequence += 1;
      const attributes = added === undefined ? own : { ...own, ...added };
      const id = String(FIRST_ID + BigInt(this.#sequence));
      const bytes = this.#codec.encode({ data, attributes, messageId: id, publishTime, orderingKey });
      topic.store({ sequence: this.#sequence, id, publishedAtMs, orderingKey, bytes });
      return id;
    });
  }

  /** A call has messages of one key only. */
  #clockOf(orderingKey: string): number {
    const clocks = this.#options.publishClocksMs;
    if (clocks.length === 0) return 0;
    if (orderingKey === "") this.#publishTurn += 1;
    return clocks[(orderingKey === "" ? this.#publishTurn : crc32(orderingKey)) % clocks.length]!;
  }

  /** The copy has attributes of its own: https://cloud.google.com/pubsub/docs/handling-failures#dead_letter_topic. */
  forward(subscription: Subscription, message: StoredMessage, failures: number): boolean {
    const topic = this.findTopic(subscription.settings.deadLetterPolicy?.deadLetterTopic ?? "");
    if (topic === null) return false;
    const { data, attributes, orderingKey } = this.#codec.decode(message.bytes);
    const source = {
      CloudPubSubDeadLetterSourceDeliveryCount: String(failures),
      CloudPubSubDeadLetterSourceSubscription: idOf(subscription.name),
      CloudPubSubDeadLetterSourceSubscriptionProject: projectOf(subscription.name),
      CloudPubSubDeadLetterSourceTopicPublishTime: new Date(message.publishedAtMs).toISOString(),
    };
    this.publish(topic, [{ data, attributes: { ...attributes, ...source }, orderingKey }]);
    return true;
  }

  close(): void {
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#topics.clear();
    this.#subscriptions.clear();
    this.#snapshots.clear();
    this.schemas.clear();
  }

  #remove(subscription: Subscription): void {
    this.#subscriptions.delete(subscription.name);
    subscription.endStreams(Code.notFound, notFound(subscription.name).message);
    subscription.close();
  }

  /** `null`: there is none. */
  findSnapshot(name: string): Snapshot | null {
    const snapshot = this.#snapshots.get(name);
    if (snapshot === undefined) return null;
    if (snapshot.expiresAtMs > this.clock.nowMs) return snapshot;
    this.#dropSnapshot(snapshot);
    return null;
  }

  #dropSnapshot(snapshot: Snapshot): void {
    this.#snapshots.delete(snapshot.name);
    snapshot.topic?.snapshots.delete(snapshot);
  }

  #existing<Resource>(names: Iterable<string>, find: (name: string) => Resource | null): readonly Resource[] {
    return [...names].map(find).filter((found) => found !== null);
  }
}
