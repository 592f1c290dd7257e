import type { Capabilities, TopicSettings } from "../../../src/driver/index.ts";
import { memoryError } from "../errors.ts";
import type { Layout, TopicForm } from "../profiles.ts";
import type { Group } from "./group.ts";
import type { Retention } from "./log.ts";
import { Marks } from "./marks.ts";
import { Partition } from "./partition.ts";
import type { PositionsOf } from "./positions.ts";
import { Wake } from "./wake.ts";

/** More than one, so that messages are in order because of their keys and not by chance. */
const DEFAULT_PARTITIONS = 4;
/** More than a test needs. Adding a partition looks at every other one. */
const MAX_PARTITIONS = 1_000;
const ALL_HASHES = 2 ** 32;

/** Settings of a topic, with those that only tests need. */
export type MemoryTopicSettings = TopicSettings & {
  /** How much each partition keeps. @default without bound */
  retentionBytes?: number | undefined;
};

/** A topic: its partitions, the layout of keys over them, and its groups. */
export class MemoryTopic {
  readonly name: string;
  /** Different for every topic that was ever created. */
  readonly incarnation: string;
  readonly layout: Layout;
  readonly #positionsOf: PositionsOf;
  /** All partitions that ever existed, parents before children. */
  readonly partitions = new Map<string, Partition>();
  /** The groups, by their native names. */
  readonly groups = new Map<string, Group>();
  readonly marks = new Marks();
  /** Wakes when partitions were added or closed, or when the topic was deleted. */
  readonly changed = new Wake();
  #open: Partition[] = [];
  #generation = 0;
  #nextPartition = 0;
  #keylessTurn = 0;
  #deleted = false;
  #retention: Retention;

  constructor(name: string, incarnation: string, { layout, positionsOf }: TopicForm, settings: MemoryTopicSettings) {
    this.name = name;
    this.incarnation = incarnation;
    this.layout = layout;
    this.#positionsOf = positionsOf;
    this.#retention = { retentionMs: settings.retentionMs ?? null, retentionBytes: settings.retentionBytes ?? null };
    const count = settings.partitions ?? DEFAULT_PARTITIONS;
    requirePartitions(count);
    for (let index = 0; index < count; index += 1) {
      this.#add({ begin: Math.floor((index * ALL_HASHES) / count), end: Math.floor(((index + 1) * ALL_HASHES) / count) });
    }
  }

  /** The partitions that take new records, in the order of their ranges. */
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

  /** Applies retention at each access, so that it needs no timer. */
  trim(nowMs = Date.now()): void {
    for (const partition of this.partitions.values()) partition.log.trim(this.#retention, nowMs);
  }

  /** Leaves the newest record of each key, unless it is a tombstone. */
  compact(): void {
    for (const partition of this.partitions.values()) partition.log.compact();
  }

  /** Drops everything that is stored now, as retention does once it has passed. */
  expire(): void {
    for (const partition of this.partitions.values()) partition.log.expire();
  }

  /**
   * Damages the record that was stored last in a partition, so that no client can read it.
   * @param reads how many reads find it damaged
   * @throws `invalid-argument` for a partition that does not exist or is empty
   */
  damage(partition: string, reads: number): void {
    const log = this.partitions.get(partition)?.log;
    if (log === undefined || log.isEmpty) {
      const what = log === undefined ? "has no partition" : "has nothing stored in partition";
      throw memoryError("invalid-argument", `topic ${JSON.stringify(this.name)} ${what} ${JSON.stringify(partition)}`, {
        topic: this.name,
      });
    }
    log.damage.add(log.endIndex - 1, reads);
  }

  retain(settings: MemoryTopicSettings): void {
    this.#retention = {
      retentionMs: settings.retentionMs ?? this.#retention.retentionMs,
      retentionBytes: settings.retentionBytes ?? this.#retention.retentionBytes,
    };
    this.trim();
  }

  /** The partition that stores a key of this hash now. */
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

  /** The partition for the next keyless records: the partitions take turns. */
  nextKeyless(): Partition {
    this.#keylessTurn = (this.#keylessTurn + 1) % this.#open.length;
    return this.#open[this.#keylessTurn]!;
  }

  /** The partition that stores records for this one: itself, or its first child if it is closed. */
  openSuccessor(partition: Partition): Partition {
    return partition.log.closed ? this.openSuccessor(partition.children[0]!) : partition;
  }

  /** Splits or merges partitions, or adds them in place, until this many are open. */
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
    const partition = new Partition(String(this.#nextPartition), this.#positionsOf(this.#nextPartition), range, parents);
    this.#nextPartition += 1;
    this.partitions.set(partition.id, partition);
    this.#open = [...this.#open.filter((other) => !parents.includes(other)), partition];
    if (this.layout === "hash-ranges") this.#open.sort((a, b) => a.range.begin - b.range.begin);
    for (const parent of parents) if (!parent.log.closed) parent.log.close();
  }

  /** Ends all reading and all groups of this topic. */
  delete(): void {
    this.#deleted = true;
    this.#notify();
  }

  #notify(): void {
    for (const group of this.groups.values()) group.topicChanged();
    for (const partition of this.partitions.values()) partition.log.changed.wake();
    this.changed.wake();
  }

  /** As a service lists them: without the closed ones of which retention has left nothing. A closed one that never held anything is listed as long. */
  get kept(): readonly Partition[] {
    const nowMs = Date.now();
    this.trim(nowMs);
    return [...this.partitions.values()].filter(({ log }) => !log.isGone(this.#retention, nowMs));
  }

  /** The open partitions, and the closed ones that still hold records. */
  get listed(): readonly Partition[] {
    return [...this.partitions.values()].filter((partition) => !partition.log.closed || !partition.log.isEmpty);
  }

  /** The capabilities of this topic, out of those of the provider. */
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
