import { randomUUID } from "node:crypto";
import { dropMemoryBroker, memoryBroker } from "../adapters/memory/broker/brokers.ts";
import type { MemoryTopicSettings } from "../adapters/memory/broker/topic.ts";
import { type MemoryOptions, checkMemoryOptions, parseMemoryUrl } from "../adapters/memory/options.ts";
import { profileOf } from "../adapters/memory/profiles.ts";
import { topicSettings } from "../adapters/memory/topic-access.ts";
import { parseConnectionUrl } from "../src/connection-url.ts";
import type { Fault, FaultKind } from "../src/driver/index.ts";
import { rules } from "../src/option-rules.ts";
import { checkEmulatorTopic } from "./check-emulator-topic.ts";
import { type DamageOptions, damagedReadsOf } from "./damage-options.ts";
import { MemoryFaults } from "./memory-faults.ts";
import { requireOpen } from "./require-open.ts";

/** Settings of a topic. `groups` is for providers whose groups must exist first; memory ignores it. */
type MemoryEmulatorTopic = MemoryTopicSettings & { readonly groups?: readonly string[] | undefined };

export interface MemoryEmulatorOptions {
  topics?: Readonly<Record<string, MemoryEmulatorTopic>> | undefined;
  /** Ignored, because nothing listens. */
  port?: number | undefined;
  /** As in `MemoryOptions`. They become part of the URL. @default a unique name */
  name?: MemoryOptions["name"];
  like?: MemoryOptions["like"];
  without?: MemoryOptions["without"];
  delayMs?: MemoryOptions["delayMs"];
}

export interface MemoryEmulator extends AsyncDisposable {
  /** The URL for `connect`. */
  readonly url: string;
  createTopic(topic: string, settings?: MemoryEmulatorTopic): Promise<void>;
  readonly faultKinds: readonly FaultKind[];
  inject(fault: Fault): void;
  /** Withdraws the faults that have not been applied yet. */
  clearFaults(): void;
  /** Removes superseded messages of each key, and tombstones, up to the end of the log, which stays where it is. Rejects with `not-found`. */
  compact(topic: string): Promise<void>;
  /** Drops everything that is stored now, as retention does once it has passed. Rejects with `not-found`. */
  expire(topic: string): Promise<void>;
  /** Damages the record that was stored last in a partition. @throws `not-found` · `invalid-argument` for a partition that does not exist or is empty */
  damage(topic: string, partition: string, options?: DamageOptions): void;
  /** Drops the broker and its records. Open connections keep what they have. */
  close(): Promise<void>;
}

/** A memory broker with its own name. It starts no server, because the provider is its own emulator. @throws `configuration` */
export async function startMemoryEmulator(options: MemoryEmulatorOptions = {}): Promise<MemoryEmulator> {
  const { topics = {}, name = `emulator-${randomUUID()}`, like, without = [], delayMs } = options;
  checkMemoryOptions({ name, like, without, delayMs });
  const profile = profileOf(like, without);
  const broker = memoryBroker(name);
  const faults = MemoryFaults.of(broker);
  let isClosed = false;
  const emulator: MemoryEmulator = {
    url: urlOf(name, options),
    faultKinds: faults.kinds,
    async createTopic(topic, given = {}) {
      requireOpen("memory", isClosed);
      checkEmulatorTopic(topic, given, { retentionBytes: rules.positiveInteger });
      const { partitions, retentionMs, retentionBytes } = given;
      checkMemoryOptions({ topics: { [topic]: { partitions, retentionMs } } });
      broker.createTopic(topic, profile, topicSettings(profile, { partitions, retentionMs, retentionBytes }));
    },
    inject(fault) {
      requireOpen("memory", isClosed);
      faults.inject(fault);
    },
    clearFaults() {
      requireOpen("memory", isClosed);
      faults.clear();
    },
    async compact(topic) {
      requireOpen("memory", isClosed);
      broker.topic(topic).compact();
    },
    async expire(topic) {
      requireOpen("memory", isClosed);
      broker.topic(topic).expire();
    },
    damage(topic, partition, damage) {
      requireOpen("memory", isClosed);
      broker.topic(topic).damage(partition, damagedReadsOf(damage));
    },
    async close() {
      isClosed = true;
      dropMemoryBroker(name);
    },
    [Symbol.asyncDispose]: () => emulator.close(),
  };
  for (const [topic, settings] of Object.entries(topics)) await emulator.createTopic(topic, settings);
  return emulator;
}

/**
 * The emulator behind a URL of `memory:`. The URL of the emulator has the same settings, and a name if the given one had none, so that
 * all connections to it find the same broker.
 * @throws `configuration`
 */
export async function memoryEmulatorOf(url: string): Promise<MemoryEmulator> {
  const { adapterUrl } = parseConnectionUrl(url, ["memory"]);
  const { topics: _, ...form } = parseMemoryUrl(adapterUrl);
  const emulator = await startMemoryEmulator(form);
  const [named] = emulator.url.split("?");
  return { ...emulator, url: url.replace(/^memory:[^?]*/i, () => named!) };
}

function urlOf(name: string, { like, without = [], delayMs }: MemoryEmulatorOptions): string {
  const settings = new URLSearchParams();
  if (like !== undefined) settings.set("like", like);
  if (without.length > 0) settings.set("without", without.join(","));
  if (delayMs !== undefined) settings.set("delayMs", String(delayMs));
  return settings.size === 0 ? `memory:${name}` : `memory:${name}?${settings.toString()}`;
}
