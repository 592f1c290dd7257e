import type { EmulatorClock } from "../clock.ts";
import type { StoredMessage } from "../delivery/stored-message.ts";
import { idOf } from "../refusal.ts";
import type { TopicMessage } from "../wire/messages.ts";
import { present } from "../wire/present.ts";
import { msOf } from "../wire/seconds.ts";
import { MessageLog } from "./message-log.ts";
import type { TopicSchema } from "./topic-schema.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Subscription } from "./subscription.ts";

const ACTIVE = 1;

export class Topic {
  readonly name: string;
  settings: TopicMessage;
  /** `null`: messages may be anything. */
  schema: TopicSchema | null;
  readonly subscriptions = new Set<Subscription>();
  readonly snapshots = new Set<Snapshot>();
  readonly #clock: EmulatorClock;
  readonly #log = new MessageLog();

  constructor(settings: TopicMessage, schema: TopicSchema | null, clock: EmulatorClock) {
    this.name = settings.name;
    this.settings = settings;
    this.schema = schema;
    this.#clock = clock;
  }

  /** The name in the project, by which faults name it. */
  get id(): string {
    return idOf(this.name);
  }

  /** As calls return it. */
  get message(): object {
    const { messageStoragePolicy, ingestionDataSourceSettings, ...settings } = this.settings;
    const kept = present({ messageStoragePolicy, ingestionDataSourceSettings });
    return { ...settings, ...kept, schemaSettings: this.schema?.message ?? null, state: ACTIVE };
  }

  /** 0: the topic retains nothing for seeks. */
  get retentionMs(): number {
    const { messageRetentionDuration } = this.settings;
    return messageRetentionDuration === null ? 0 : msOf(messageRetentionDuration);
  }

  /** What a seek of any of its subscriptions can bring back, in the order of storing. */
  get retained(): readonly StoredMessage[] {
    this.#trim();
    const { retentionMs } = this;
    if (retentionMs === 0) return [];
    const fromMs = this.#clock.nowMs - retentionMs;
    return this.#log.messages.filter(({ publishedAtMs }) => publishedAtMs >= fromMs);
  }

  store(message: StoredMessage): void {
    for (const subscription of this.subscriptions) subscription.add(message);
    if (this.retentionMs > 0 || this.snapshots.size > 0) this.#log.append(message);
    this.#trim();
  }

  /** What was stored after this message, as far as retention or a snapshot keeps it. */
  storedAfter(sequence: number): readonly StoredMessage[] {
    return this.#log.messages.filter((message) => message.sequence > sequence);
  }

  /** Drops everything that is stored now, as retention does once it has passed. */
  expire(): void {
    this.#log.clear();
    for (const snapshot of this.snapshots) snapshot.expireMessages();
    for (const subscription of this.subscriptions) subscription.expireMessages();
  }

  #trim(): void {
    const { retentionMs } = this;
    const fromMs = retentionMs === 0 ? Infinity : this.#clock.nowMs - retentionMs;
    let oldest = Infinity;
    for (const { after } of this.snapshots) oldest = Math.min(oldest, after);
    this.#log.trim(({ publishedAtMs, sequence }) => publishedAtMs >= fromMs || sequence > oldest);
  }
}
