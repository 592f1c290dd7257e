import type { StoredMessage } from "../delivery/stored-message.ts";
import type { SnapshotMessage } from "../wire/messages.ts";
import { secondsOf } from "../wire/seconds.ts";
import type { Topic } from "./topic.ts";

const DELETED_TOPIC = "_deleted-topic_";

/** The messages that a subscription had not acknowledged, and all that its topic has stored since. */
export class Snapshot {
  readonly name: string;
  labels: Readonly<Record<string, string>>;
  /** `null`: it was deleted. */
  topic: Topic | null;
  readonly expiresAtMs: number;
  /** The message that was stored last when the snapshot was taken. */
  readonly after: number;
  /** Of a subscription that keeps the order of keys. */
  readonly isOrdered: boolean;
  #unacknowledged: readonly StoredMessage[];

  constructor(
    name: string,
    topic: Topic,
    content: {
      readonly labels: Readonly<Record<string, string>>;
      readonly expiresAtMs: number;
      readonly after: number;
      readonly isOrdered: boolean;
      readonly unacknowledged: readonly StoredMessage[];
    },
  ) {
    this.name = name;
    this.topic = topic;
    this.labels = content.labels;
    this.expiresAtMs = content.expiresAtMs;
    this.after = content.after;
    this.isOrdered = content.isOrdered;
    this.#unacknowledged = content.unacknowledged;
  }

  /** What a subscription has not acknowledged once it has gone back to the snapshot. */
  get messages(): readonly StoredMessage[] {
    return [...this.#unacknowledged, ...(this.topic?.storedAfter(this.after) ?? [])];
  }

  get message(): SnapshotMessage {
    const { name, topic, expiresAtMs, labels } = this;
    return { name, topic: topic?.name ?? DELETED_TOPIC, expireTime: secondsOf(expiresAtMs), labels };
  }

  expireMessages(): void {
    this.#unacknowledged = [];
  }
}
