import type { EmulatorClock } from "../clock.ts";
import type { Deadlines } from "../deadlines.ts";
import { Backlog, type BacklogOwner } from "../delivery/backlog.ts";
import type { Consumer } from "../delivery/consumer.ts";
import type { StoredMessage } from "../delivery/stored-message.ts";
import { DEFAULTS, LIMITS } from "../limits.ts";
import type { SubscriptionMessage } from "../wire/messages.ts";
import { present } from "../wire/present.ts";
import { msOf } from "../wire/seconds.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Topic } from "./topic.ts";

const DELETED_TOPIC = "_deleted-topic_";
const ACTIVE = 1;

/** What a subscription asks of the service. */
export interface SubscriptionHost {
  readonly clock: EmulatorClock;
  readonly deadlines: Deadlines;
  /** @returns whether the message was published to the dead-letter topic; not if that topic is gone */
  forward(subscription: Subscription, message: StoredMessage, failures: number): boolean;
}

/** A consumer that can be told that it is over. */
export interface Connected extends Consumer {
  end(code: number, text: string): void;
}

export class Subscription implements BacklogOwner {
  readonly name: string;
  settings: SubscriptionMessage;
  isDetached = false;
  /** On `elapsedMs`: calls do not find it before. */
  readonly visibleAtMs: number;
  /** On the clock's `nowMs`. */
  usedAtMs: number;
  readonly #host: SubscriptionHost;
  readonly #backlog: Backlog;
  readonly #connected = new Set<Connected>();
  /** The acknowledged messages, if they are retained. */
  readonly #acknowledged = new Map<number, StoredMessage>();
  #topic: Topic | null;
  /** After a seek into the future: what is published before this time counts as acknowledged. */
  #discardedUntilMs = 0;

  constructor(settings: SubscriptionMessage, topic: Topic, host: SubscriptionHost, visibilityDelayMs: number) {
    this.name = settings.name;
    this.settings = settings;
    this.#topic = topic;
    this.#host = host;
    this.visibleAtMs = host.clock.elapsedMs + visibilityDelayMs;
    this.usedAtMs = host.clock.nowMs;
    this.#backlog = new Backlog(this, host.deadlines);
    topic.subscriptions.add(this);
  }

  /** `null`: the topic was deleted. Another one of the same name is not its topic. */
  get topic(): Topic | null {
    return this.#topic;
  }

  get isOrdered(): boolean {
    return this.settings.enableMessageOrdering;
  }

  get isExactlyOnce(): boolean {
    return this.settings.enableExactlyOnceDelivery;
  }

  /** Whether Pull and StreamingPull are its way of delivery. */
  get isPulled(): boolean {
    const { pushConfig, bigqueryConfig, bigtableConfig, cloudStorageConfig } = this.settings;
    return [pushConfig, bigqueryConfig, bigtableConfig, cloudStorageConfig].every(({ length }) => length === 0);
  }

  /** Unacknowledged messages live as long as the longer of both retentions: https://cloud.google.com/pubsub/docs/replay-overview. */
  get retainedFromMs(): number {
    return this.#host.clock.nowMs - Math.max(this.retentionMs, this.#topic?.retentionMs ?? 0);
  }

  get retentionMs(): number {
    const { messageRetentionDuration } = this.settings;
    return messageRetentionDuration === null ? DEFAULTS.retentionMs : msOf(messageRetentionDuration);
  }

  /** After so long without use it is deleted; `Infinity`: never. */
  get ttlMs(): number {
    const { expirationPolicy } = this.settings;
    if (expirationPolicy === null) return DEFAULTS.ttlMs;
    return expirationPolicy.ttl === null ? Infinity : msOf(expirationPolicy.ttl);
  }

  get connected(): readonly Connected[] {
    return [...this.#connected];
  }

  /** As calls return it: without the ways of delivery that it does not have. */
  get message(): object {
    const { bigqueryConfig, bigtableConfig, cloudStorageConfig, ...settings } = this.settings;
    return {
      ...settings,
      ...present({ bigqueryConfig, bigtableConfig, cloudStorageConfig }),
      topic: this.#topic?.name ?? DELETED_TOPIC,
      topicMessageRetentionDuration: this.#topic?.settings.messageRetentionDuration ?? null,
      detached: this.isDetached,
      state: ACTIVE,
    };
  }

  get unacknowledged(): readonly StoredMessage[] {
    return this.#backlog.messages;
  }

  /** The number of the next delivery; 0 without a dead-letter policy. */
  attemptOf(failures: number): number {
    return this.settings.deadLetterPolicy === null ? 0 : failures + 1;
  }

  add(message: StoredMessage): void {
    if (this.isDetached) return;
    if (message.publishedAtMs < this.#discardedUntilMs) this.acknowledged(message);
    else this.#backlog.add(message);
  }

  connect(consumer: Connected): void {
    this.#connected.add(consumer);
    this.#backlog.connect(consumer);
  }

  disconnect(consumer: Connected): void {
    this.#connected.delete(consumer);
    this.#backlog.disconnect(consumer);
    this.usedAtMs = this.#host.clock.nowMs;
  }

  roomChanged(): void {
    this.#backlog.roomChanged();
  }

  /** @returns and throws as `Backlog.acknowledge` */
  acknowledge(ackIds: readonly string[]): ReadonlyMap<string, string> {
    return this.#backlog.acknowledge(ackIds);
  }

  modifyDeadlines(changes: readonly { readonly ackId: string; readonly ms: number }[]): ReadonlyMap<string, string> {
    return this.#backlog.modifyDeadlines(changes);
  }

  /** What was stored before this time counts as acknowledged, and all of the rest that is retained as not acknowledged. */
  seekTo(fromMs: number): void {
    const retained = this.#everythingRetained();
    this.#moveTo(retained, (message) => message.publishedAtMs >= fromMs);
    this.#discardedUntilMs = fromMs;
  }

  /** What the snapshot has not acknowledged is not acknowledged, and all of the rest is. */
  restore(snapshot: Snapshot): void {
    const unacknowledged = new Map(snapshot.messages.map((message) => [message.sequence, message]));
    const all = new Map([...this.#everythingRetained(), ...unacknowledged.values()].map((message) => [message.sequence, message]));
    this.#moveTo([...all.values()].toSorted(bySequence), ({ sequence }) => unacknowledged.has(sequence));
    this.#discardedUntilMs = 0;
  }

  /** Who has the message of this id. `null`: nobody has, by this id. */
  holderOf(ackId: string): Consumer | null {
    return this.#backlog.holderOf(ackId);
  }

  /** Lets the deadlines of one consumer pass, to the benefit of others, or all deadlines. @returns whether there was one */
  expireLeases(consumer?: Consumer): boolean {
    const isAny = this.#backlog.expireLeases(consumer);
    if (isAny && consumer !== undefined) this.#backlog.postpone(consumer);
    return isAny;
  }

  expireMessages(): void {
    this.#acknowledged.clear();
    this.#backlog.expire(() => true);
  }

  acknowledged(message: StoredMessage): void {
    if (!this.settings.retainAckedMessages) return;
    this.#acknowledged.set(message.sequence, message);
    const fromMs = this.#host.clock.nowMs - this.retentionMs;
    for (const [sequence, { publishedAtMs }] of this.#acknowledged) {
      if (publishedAtMs >= fromMs) break;
      this.#acknowledged.delete(sequence);
    }
  }

  takenBack({ sequence }: StoredMessage): void {
    this.#acknowledged.delete(sequence);
  }

  forward(message: StoredMessage, failures: number): boolean {
    const { deadLetterPolicy } = this.settings;
    if (deadLetterPolicy === null || failures < deadLetterPolicy.maxDeliveryAttempts) return false;
    return this.#host.forward(this, message, failures);
  }

  /** It keeps its messages, and gets no more. */
  topicDeleted(): void {
    this.#topic = null;
  }

  /** It gets no more messages, and drops those that it has. */
  detach(): void {
    this.isDetached = true;
    this.#topic?.subscriptions.delete(this);
    this.#acknowledged.clear();
    this.#backlog.reset([]);
  }

  /** Ends the streams with this status. */
  endStreams(code: number, text: string): void {
    for (const consumer of this.connected) consumer.end(code, text);
  }

  close(): void {
    this.#topic?.subscriptions.delete(this);
    this.#backlog.close();
  }

  #everythingRetained(): readonly StoredMessage[] {
    const fromMs = this.#host.clock.nowMs - this.retentionMs;
    const acknowledged = [...this.#acknowledged.values()].filter(({ publishedAtMs }) => publishedAtMs >= fromMs);
    const retained = [...this.#backlog.messages, ...acknowledged, ...(this.isDetached ? [] : (this.#topic?.retained ?? []))];
    return [...new Map(retained.map((message) => [message.sequence, message])).values()].toSorted(bySequence);
  }

  #moveTo(retained: readonly StoredMessage[], isUnacknowledged: (message: StoredMessage) => boolean): void {
    this.#acknowledged.clear();
    this.#backlog.reset(retained.filter(isUnacknowledged));
    for (const message of retained) if (!isUnacknowledged(message)) this.acknowledged(message);
  }
}

function bySequence(one: StoredMessage, other: StoredMessage): number {
  return one.sequence - other.sequence;
}

/** How long a snapshot of messages of these times lives: 7 days less the age of the oldest one. */
export function snapshotLifetimeMs(unacknowledged: readonly StoredMessage[], nowMs: number): number {
  const oldestMs = unacknowledged.reduce((ms, { publishedAtMs }) => Math.min(ms, publishedAtMs), nowMs);
  return LIMITS.snapshotLifetimeMs - (nowMs - oldestMs);
}
