import type { Capabilities, TopicSettings } from "../../../src/driver/index.ts";
import { memoryError } from "../errors.ts";
import type { Layout } from "../profiles.ts";
import type { Group } from "./group.ts";
import type { Retention } from "./log.ts";
import { Partition } from "./partition.ts";
import { Wake } from "./wake.ts";

/** Several, so that order is a matter of keys and not of luck. */
const DEFAULT_PARTITIONS = 4;
/** More than a test needs; each is looked at whenever one is added. */
const MAX_PARTITIONS = 1_000;
const ALL_HASHES = 2 ** 32;

/** Settings of a topic, with those that only tests need. */
export type MemoryTopicSettings = TopicSettings & {
  /** How much each partition keeps. @default without bound */
  retentionBytes?: number | undefined;
};

/** A topic: its partitions, how keys are spread over them, and its groups. */
export class MemoryTopic {
  readonly name: string;
  /** Another one for every topic that was ever created. */
  readonly incarnation: string;
  readonly layout: Layout;
  /** All that ever were, parents before children. */
  readonly partitions = new Map<string, Partition>();
  /** By their native names. */
  readonly groups = new Map<string, Group>();
  /** Partitions came or went, or the topic was deleted. */
  readonly changed = new Wake();
  #open: Partition[] = [];
  #generation = 0;
  #nextPartition = 0;
  #keylessTurn = 0;
  #deleted = false;
  #retention: Retention;

  constructor(name: string, incarnation: string, layout: Layout, settings: MemoryTopicSettings) {
    this.name = name;
    this.incarnation = incarnation;
    this.layout = layout;
    this.#retention = { retentionMs: settings.retentionMs ?? null, retentionBytes: settings.retentionBytes ?? null };
    const count = settings.partitions ?? DEFAULT_PARTITIONS;
    requirePartitions(count);
    for (let index = 0; index < count; index += 1) {
      this.#add({ begin: Math.floor((index * ALL_HASHES) / count), end: Math.floor(((index + 1) * ALL_HASHES) / count) });
    }
  }

  /** Those that take new records, by their ranges. */
  get open(): readonly Partition[] {
    return this.#open;
  }

  /** Rises with every change of the partitions. */
  get generation(): number {
    return this.#generation;
  }

  get deleted(): boolean {
    return this.#deleted;
  }

  get retention(): Retention {
    return this.#retention;
  }

  /** Sweeps at access, so that retention needs no timer. */
  trim(nowMs = Date.now()): void {
    for (const partition of this.partitions.values()) partition.log.trim(this.#retention, nowMs);
  }

  /** Leaves the newest record of each key, unless it is a tombstone. */
  compact(): void {
    for (const partition of this.partitions.values()) partition.log.compact();
  }

  /**
   * Damages the record that was stored last in a partition, so that nobody can read it.
   * @param looks at so many it shows
   * @throws `invalid-argument` where there is no such partition, or nothing in it
   */
  damage(partition: string, looks: number): void {
    const log = this.partitions.get(partition)?.log;
    if (log === undefined || log.isEmpty) {
      const what = log === undefined ? "has no partition" : "has nothing stored in partition";
      throw memoryError("invalid-argument", `topic ${JSON.stringify(this.name)} ${what} ${JSON.stringify(partition)}`, {
        topic: this.name,
      });
    }
    log.damage.add(log.endIndex - 1, looks);
  }

  retain(settings: MemoryTopicSettings): void {
    this.#retention = {
      retentionMs: settings.retentionMs ?? this.#retention.retentionMs,
      retentionBytes: settings.retentionBytes ?? this.#retention.retentionBytes,
    };
    this.trim();
  }

  /** Where a key of this hash is stored now. */
  partitionOfHash(hash: number): Partition {
    const open = this.#open;
    if (this.layout === "modulo") return open[(hash & 0x7fffffff) % open.length]!;
    let low = 0;
    let high = open.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (open[middle]!.range.end > hash) high = middle;
      else low = middle + 1;
    }
    return open[low]!;
  }

  /** Where the next keyless records are stored: in turn. */
  nextKeyless(): Partition {
    this.#keylessTurn = (this.#keylessTurn + 1) % this.#open.length;
    return this.#open[this.#keylessTurn]!;
  }

  /** Where records for this partition go; of a closed one, its first child. */
  openSuccessor(partition: Partition): Partition {
    return partition.log.closed ? this.openSuccessor(partition.children[0]!) : partition;
  }

  /** Splits or merges, or adds in place, until so many are open. */
  resize(count: number): void {
    requirePartitions(count);
    if (count === this.#open.length) return;
    while (this.#open.length < count) this.#grow();
    while (this.#open.length > count) this.#mergeSmallest();
    this.#generation += 1;
    this.#notify();
  }

  #grow(): void {
    if (this.layout === "modulo") {
      this.#add({ begin: 0, end: 0 });
      return;
    }
    const widest = this.#open.reduce((best, next) => (width(next) > width(best) ? next : best));
    const { begin, end } = widest.range;
    const middle = Math.floor((begin + end) / 2);
    this.#add({ begin, end: middle }, [widest]);
    this.#add({ begin: middle, end }, [widest]);
  }

  #mergeSmallest(): void {
    let best = 0;
    for (let index = 1; index < this.#open.length - 1; index += 1) {
      if (this.#pairWidth(index) < this.#pairWidth(best)) best = index;
    }
    const [left, right] = [this.#open[best]!, this.#open[best + 1]!];
    this.#add({ begin: left.range.begin, end: right.range.end }, [left, right]);
  }

  #pairWidth(index: number): number {
    return width(this.#open[index]!) + width(this.#open[index + 1]!);
  }

  #add(range: { begin: number; end: number }, parents: readonly Partition[] = []): void {
    const partition = new Partition(String(this.#nextPartition), range, parents);
    this.#nextPartition += 1;
    this.partitions.set(partition.id, partition);
    this.#open = [...this.#open.filter((other) => !parents.includes(other)), partition];
    if (this.layout === "hash-ranges") this.#open.sort((a, b) => a.range.begin - b.range.begin);
    for (const parent of parents) if (!parent.log.closed) parent.log.close();
  }

  /** Ends everything that goes on with this topic. */
  delete(): void {
    this.#deleted = true;
    this.#notify();
  }

  #notify(): void {
    for (const group of this.groups.values()) group.topicChanged();
    for (const partition of this.partitions.values()) partition.log.changed.wake();
    this.changed.wake();
  }

  /** Open ones, and closed ones that still hold records. */
  get listed(): readonly Partition[] {
    return [...this.partitions.values()].filter((partition) => !partition.log.closed || !partition.log.isEmpty);
  }

  /** What of these capabilities holds for this topic. */
  narrow(capabilities: Capabilities): Capabilities {
    if (this.layout === "hash-ranges") return capabilities;
    return { ...capabilities, partitionMerge: false, growthKeepsKeyOrder: capabilities.growthKeepsKeyOrder && !capabilities.partitions };
  }
}

function width(partition: Partition): number {
  return partition.range.end - partition.range.begin;
}

function requirePartitions(count: number): void {
  if (count > MAX_PARTITIONS) {
    throw memoryError("invalid-argument", `a topic of the memory provider may have up to ${MAX_PARTITIONS} partitions; received ${count}`);
  }
}
