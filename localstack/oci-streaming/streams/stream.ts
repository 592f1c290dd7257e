import { hash, randomInt, randomUUID } from "node:crypto";
import { createOcid } from "../ocid.ts";
import type { ServiceClock } from "../service-clock.ts";
import type { StreamingSettings } from "../settings.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import { PartitionLog } from "./partition-log.ts";
import { TokenBucket } from "./token-bucket.ts";

export type LifecycleState = "CREATING" | "ACTIVE" | "UPDATING" | "DELETING" | "DELETED" | "FAILED";

export interface StreamDetails {
  readonly name: string;
  readonly partitions: number;
  readonly retentionInHours: number;
  readonly streamPoolId: string;
  readonly compartmentId: string;
  readonly freeformTags: Readonly<Record<string, string>>;
}

const HOUR_MS = 3_600_000;
/** All cursors without a group. A name of a group is never empty. */
const NO_GROUP = "";

/** A stream, and everything that is stored in it. */
export class Stream {
  readonly id = createOcid("stream");
  readonly name: string;
  readonly compartmentId: string;
  readonly #retentionInHours: number;
  readonly timeCreatedMs: number;
  readonly partitions: readonly PartitionLog[];
  readonly groups = new Map<string, ConsumerGroup>();
  readonly #clock: ServiceClock;
  readonly #settings: StreamingSettings;
  readonly #writeBudgets = new Map<PartitionLog, TokenBucket>();
  readonly #readBudgets = new Map<string, TokenBucket>();
  #streamPoolId: string;
  #freeformTags: Readonly<Record<string, string>>;
  #etag: string = randomUUID();
  #isExpired = false;
  /** The state that it is in until then, and the one behind it. */
  #change: { readonly during: LifecycleState; readonly untilMs: number; readonly afterwards: LifecycleState };

  /** @param isActive whether it is ACTIVE at once */
  constructor(details: StreamDetails, clock: ServiceClock, settings: StreamingSettings, isActive: boolean) {
    this.name = details.name;
    this.compartmentId = details.compartmentId;
    this.#retentionInHours = details.retentionInHours;
    this.#streamPoolId = details.streamPoolId;
    this.#freeformTags = details.freeformTags;
    this.#clock = clock;
    this.#settings = settings;
    this.timeCreatedMs = clock.nowMs;
    const gapAfter = settings.offsetGaps ? gapFrom : () => 0n;
    this.partitions = Array.from(
      { length: details.partitions },
      (_, index) => new PartitionLog(String(index), { first: settings.firstOffset, gapAfter }),
    );
    this.#change = { during: "CREATING", untilMs: isActive ? -Infinity : this.#settledAtMs(), afterwards: "ACTIVE" };
  }

  /**
   * As the service shows it. After `expire` it is 0, which the service never shows: only so can a client tell that what it has not seen is gone,
   * because no time has passed.
   */
  get retentionInHours(): number {
    return this.#isExpired ? 0 : this.#retentionInHours;
  }

  /** Drops everything that is stored now, as if the retention had passed. */
  expire(): void {
    this.#isExpired = true;
    for (const log of this.partitions) log.expireAll();
  }

  get streamPoolId(): string {
    return this.#streamPoolId;
  }

  get freeformTags(): Readonly<Record<string, string>> {
    return this.#freeformTags;
  }

  get etag(): string {
    return this.#etag;
  }

  get state(): LifecycleState {
    const { during, untilMs, afterwards } = this.#change;
    return this.#clock.elapsedMs < untilMs ? during : afterwards;
  }

  /** Not deleted, not about to be, and not failed. */
  get exists(): boolean {
    const { state } = this;
    return state !== "DELETING" && state !== "DELETED" && state !== "FAILED";
  }

  update(changes: { readonly streamPoolId: string | null; readonly freeformTags: Readonly<Record<string, string>> | null }): void {
    this.#streamPoolId = changes.streamPoolId ?? this.#streamPoolId;
    this.#freeformTags = changes.freeformTags ?? this.#freeformTags;
    this.#etag = randomUUID();
    this.#change = { during: "UPDATING", untilMs: this.#settledAtMs(), afterwards: "ACTIVE" };
  }

  delete(): void {
    this.#change = { during: "DELETING", untilMs: this.#settledAtMs(), afterwards: "DELETED" };
    for (const log of this.partitions) log.expireAll();
  }

  /** As if its creation had failed. */
  fail(): void {
    this.#change = { during: "FAILED", untilMs: -Infinity, afterwards: "FAILED" };
  }

  #settledAtMs(): number {
    return this.#clock.elapsedMs + this.#settings.lifecycleMs;
  }

  /** As retention has left it by now. */
  partition(name: string): PartitionLog | null {
    const log = this.partitions.find((partition) => partition.name === name) ?? null;
    log?.expireBefore(this.#clock.nowMs - this.#retentionInHours * HOUR_MS);
    return log;
  }

  /**
   * Where the service stores a key. The vendor says only that it is a hash of the key on the server, and which one is not known: this is MD5.
   * A message without a key goes anywhere.
   */
  partitionOf(key: string | null): PartitionLog {
    const { length } = this.partitions;
    if (key === null) return this.partitions[randomInt(length)]!;
    return this.partitions[hash("md5", Buffer.from(key, "base64"), "buffer").readUInt32BE(0) % length]!;
  }

  writeBudget(log: PartitionLog): TokenBucket {
    return budgetOf(this.#writeBudgets, log, () => new TokenBucket(this.#clock, this.#settings.bytesPerSecond));
  }

  /** Of one group on one partition. */
  readBudget(partition: string, group: string | null): TokenBucket {
    return budgetOf(
      this.#readBudgets,
      `${partition} ${group ?? NO_GROUP}`,
      () => new TokenBucket(this.#clock, this.#settings.getsPerSecond),
    );
  }
}

/** Any of 0 to 3, the same for the same offset. */
function gapFrom(offset: bigint): bigint {
  return ((offset * 2_654_435_761n) >> 16n) & 3n;
}

function budgetOf<Key>(budgets: Map<Key, TokenBucket>, key: Key, create: () => TokenBucket): TokenBucket {
  const known = budgets.get(key);
  if (known !== undefined) return known;
  const created = create();
  budgets.set(key, created);
  return created;
}
