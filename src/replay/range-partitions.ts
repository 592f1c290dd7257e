import type { ChildPartition } from "../driver/consumer-driver.ts";
import type { RangePartition } from "../driver/reader-driver.ts";
import type { PartitionPlace, Place } from "../position/place.ts";
import type { MessageSource } from "../position/position.ts";
import { PartitionFeed } from "./partition-feed.ts";

/** A partition with the place where reading really starts: behind a gap that was accepted. */
export interface StartedPartition {
  readonly range: RangePartition;
  readonly start: Place;
}

/** Which partitions a range has, and which of them may be read: none before its parents are done. */
export class RangePartitions {
  readonly #sourceOf: (partition: string) => MessageSource;
  readonly #compare: (a: string, b: string) => number;
  readonly #feeds = new Map<string, PartitionFeed>();
  /** Finished before this range began; children do not wait for them. */
  readonly #endedBefore: ReadonlySet<string>;
  readonly #waiting = new Set<PartitionFeed>();

  constructor(
    partitions: readonly StartedPartition[],
    endedBefore: ReadonlySet<string>,
    sourceOf: (partition: string) => MessageSource,
    compare: (a: string, b: string) => number,
  ) {
    this.#sourceOf = sourceOf;
    this.#compare = compare;
    this.#endedBefore = endedBefore;
    for (const { range, start } of partitions) if (!endedBefore.has(range.partition)) this.#add(range, start);
  }

  /** Those that came into being while the range is read: from their beginning, for ever. Those that are known are left as they are. */
  join(partitions: readonly ChildPartition[]): void {
    for (const { partition, parents } of partitions) {
      if (this.#feeds.has(partition) || this.#endedBefore.has(partition)) continue;
      const start: Place = { kind: "earliest" };
      this.#add({ partition, start, end: null, parents, gap: null }, start);
    }
  }

  #add(range: RangePartition, start: Place): void {
    const feed = new PartitionFeed(this.#sourceOf(range.partition), range, start, this.#compare);
    this.#feeds.set(range.partition, feed);
    this.#waiting.add(feed);
  }

  get(partition: string): PartitionFeed | undefined {
    return this.#feeds.get(partition);
  }

  all(): Iterable<PartitionFeed> {
    return this.#feeds.values();
  }

  /** Is any of them not free to be read yet? */
  get someWait(): boolean {
    return this.#waiting.size > 0;
  }

  /** Those that no longer wait for a parent and have something to read; each is answered once. */
  takeFree(): PartitionFeed[] {
    const taken: PartitionFeed[] = [];
    // Dropping an empty partition may set its children free, so it goes round until nothing changes.
    for (let free = this.#withoutWaitingParents(); free.length > 0; free = this.#withoutWaitingParents()) {
      for (const feed of free) this.#waiting.delete(feed);
      taken.push(...free.filter((feed) => !feed.finished));
    }
    return taken;
  }

  #withoutWaitingParents(): PartitionFeed[] {
    return [...this.#waiting].filter((feed) =>
      feed.parents.every((name) => {
        const parent = this.#feeds.get(name);
        return parent === undefined || (parent.drained && !this.#waiting.has(parent));
      }),
    );
  }

  /** Behind what was handed out, for every partition of the range. */
  places(): ReadonlyMap<string, PartitionPlace> {
    const places = new Map<string, PartitionPlace>();
    for (const partition of this.#endedBefore) places.set(partition, { kind: "ended" });
    for (const [partition, feed] of this.#feeds) places.set(partition, feed.place);
    return places;
  }
}
