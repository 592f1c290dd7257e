import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Account } from "../account.ts";
import { streamArn } from "../account.ts";
import type { ServiceClock } from "../service-clock.ts";
import { inUse } from "../service-error.ts";
import { HASH_KEYS, toHashKey } from "./hash-key.ts";
import { type HashRange, Shard } from "./shard.ts";

export type StreamMode = "PROVISIONED" | "ON_DEMAND";
export type Distribution = "AUTO" | "USER_PARTITION_KEY";

export interface NewStream {
  readonly name: string;
  readonly shardCount: number;
  readonly mode: StreamMode;
  readonly retentionMs: number;
  readonly maxRecordKiB: number;
  readonly distribution: Distribution;
}

export interface RegisteredConsumer {
  readonly name: string;
  readonly arn: string;
  readonly createdAtMs: number;
}

const HOUR_MS = 3_600_000;

/** A stream: its settings, and its shards with their lineage. */
export class Stream {
  readonly name: string;
  readonly arn: string;
  /** Another one for each stream, also of the same name. */
  readonly incarnation = randomUUID();
  readonly createdAtMs: number;
  readonly tags = new Map<string, string>();
  readonly consumers = new Map<string, RegisteredConsumer>();
  mode: StreamMode;
  maxRecordKiB: number;
  distribution: Distribution;
  retentionMs: number;
  readonly #clock: ServiceClock;
  readonly #shards = new Map<string, Shard>();
  #open: Shard[] = [];
  #shardsMade = 0;
  #horizonMs: number;
  /** The retention that `expire` has applied at once. */
  #expiredMs: number | null = null;
  #changesMs: readonly number[] = [];
  #turn = 0;
  #passing: { readonly status: "CREATING" | "UPDATING" | "DELETING"; readonly untilMs: number };

  /** @param creatingMs how long it is CREATING */
  constructor(account: Account, clock: ServiceClock, wanted: NewStream, creatingMs: number) {
    this.name = wanted.name;
    this.arn = streamArn(account, wanted.name);
    this.mode = wanted.mode;
    this.maxRecordKiB = wanted.maxRecordKiB;
    this.distribution = wanted.distribution;
    this.retentionMs = wanted.retentionMs;
    this.#clock = clock;
    this.createdAtMs = clock.stampMs();
    this.#horizonMs = this.createdAtMs;
    this.#passing = { status: "CREATING", untilMs: performance.now() + creatingMs };
    for (const range of evenRanges(wanted.shardCount)) this.#open.push(this.#add(range, [], this.createdAtMs));
  }

  /** What it is going through, or `ACTIVE`. */
  get status(): "CREATING" | "UPDATING" | "DELETING" | "ACTIVE" {
    const { status, untilMs } = this.#passing;
    return status === "DELETING" || performance.now() < untilMs ? status : "ACTIVE";
  }

  get isDeleted(): boolean {
    const { status, untilMs } = this.#passing;
    return status === "DELETING" && performance.now() >= untilMs;
  }

  /**
   * As the service shows it. After `expire` it is 0, which the service never shows: only so can a client tell that what it has not seen is gone,
   * because no time has passed.
   */
  get retentionHours(): number {
    return this.#expiredMs === this.retentionMs ? 0 : Math.ceil(this.retentionMs / HOUR_MS);
  }

  /** In the order of their creation, without those that retention has removed. */
  get shards(): readonly Shard[] {
    this.applyRetention();
    return [...this.#shards.values()];
  }

  /** In the order of their hash keys. */
  get openShards(): readonly Shard[] {
    return this.#open;
  }

  /** Since when records are kept, or the stream exists. */
  get horizonMs(): number {
    return Math.max(this.#horizonMs, this.#clock.nowMs() - this.retentionMs);
  }

  shard(shardId: string): Shard | undefined {
    this.applyRetention();
    return this.#shards.get(shardId);
  }

  /** The open shard of a hash key. */
  shardOf(hashKey: string): Shard {
    let [low, high] = [0, this.#open.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#open[middle]!.range.last < hashKey) low = middle + 1;
      else high = middle;
    }
    return this.#open[low]!;
  }

  /** For records that the service distributes by itself. */
  anyShard(): Shard {
    this.#turn += 1;
    return this.#open[this.#turn % this.#open.length]!;
  }

  /** @throws ServiceError unless it is ACTIVE */
  requireActive(accountId: string): void {
    const { status } = this;
    if (status !== "ACTIVE") throw inUse(`Stream ${this.name} under account ${accountId} not ACTIVE, instead in state ${status}`);
  }

  /** It is UPDATING for so long. */
  startUpdate(updatingMs: number): void {
    this.#passing = { status: "UPDATING", untilMs: performance.now() + updatingMs };
  }

  startDeletion(deletingMs: number): void {
    this.#passing = { status: "DELETING", untilMs: performance.now() + deletingMs };
  }

  /** Closes shards and opens their children: one parent and two ranges for a split, two parents and one range for a merge. */
  replace(parents: readonly Shard[], ranges: readonly HashRange[]): readonly Shard[] {
    const atMs = this.#clock.stampMs();
    const children = ranges.map((range) => this.#add(range, parents, atMs));
    for (const parent of parents) parent.close(children, atMs);
    this.#open = [...this.#open.filter(({ isOpen }) => isOpen), ...children];
    this.#open.sort((a, b) => (a.range.first < b.range.first ? -1 : 1));
    return children;
  }

  #add(range: HashRange, parents: readonly Shard[], createdAtMs: number): Shard {
    const shard = new Shard({ index: this.#shardsMade, range, parents, createdAtMs, generation: createdAtMs });
    this.#shardsMade += 1;
    this.#shards.set(shard.shardId, shard);
    return shard;
  }

  /** Notes a change of the number of shards. @returns how many there were in the last 24 hours, with this one */
  countChange(): number {
    const nowMs = this.#clock.nowMs();
    this.#changesMs = [...this.#changesMs.filter((atMs) => nowMs - atMs < 24 * HOUR_MS), nowMs];
    return this.#changesMs.length;
  }

  /** Drops what is older than the retention: records, and closed shards that have nothing left. */
  applyRetention(): void {
    const horizonMs = this.#clock.nowMs() - this.retentionMs;
    if (horizonMs < this.createdAtMs) return;
    for (const shard of this.#shards.values()) {
      shard.trim(horizonMs);
      if (shard.closedAtMs !== null && shard.closedAtMs < horizonMs) this.#shards.delete(shard.shardId);
    }
  }

  /** Drops everything that is stored now, and closed shards, as if the retention had passed. */
  expire(): void {
    this.#expiredMs = this.retentionMs;
    this.#horizonMs = this.#clock.stampMs();
    for (const shard of this.#shards.values()) {
      shard.trimAll();
      if (!shard.isOpen) this.#shards.delete(shard.shardId);
    }
  }
}

/** Ranges that divide all hash keys evenly. */
export function evenRanges(count: number): readonly HashRange[] {
  const start = (index: number): bigint => (HASH_KEYS * BigInt(index)) / BigInt(count);
  return Array.from({ length: count }, (_, index) => ({ first: toHashKey(start(index)), last: toHashKey(start(index + 1) - 1n) }));
}
