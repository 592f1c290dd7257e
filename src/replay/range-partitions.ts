import type { ChildPartition } from "../driver/consumer-driver.ts";
import type { RangePartition } from "../driver/reader-driver.ts";
import type { StoredRecord } from "../driver/record.ts";
import type { ComparePositions, PartitionPlace, Place } from "../position/place.ts";
import type { MessageSource } from "../position/position.ts";
import { PartitionBuffer } from "./partition-buffer.ts";

/** A partition with the place where reading really starts: behind a gap that was accepted. */
export interface StartedPartition {
  readonly range: RangePartition;
  readonly start: Place;
}

/** Is called for each record that the application has. */
export type HandedOutListener = (partition: string, record: StoredRecord) => void;

/** Which partitions a range has, and which of them may be read: none before its parents are done. */
export class RangePartitions {
  readonly #sourceOf: (partition: string) => MessageSource;
  readonly #compare: ComparePositions;
  readonly #handedOut: HandedOutListener | undefined;
  readonly #buffers = new Map<string, PartitionBuffer>();
  /** Finished before this range began; children do not wait for them. */
  readonly #endedBefore: ReadonlySet<string>;
  readonly #waiting = new Set<PartitionBuffer>();

  constructor(
    partitions: readonly StartedPartition[],
    endedBefore: ReadonlySet<string>,
    sourceOf: (partition: string) => MessageSource,
    compare: ComparePositions,
    handedOut: HandedOutListener | undefined,
  ) {
    this.#sourceOf = sourceOf;
    this.#compare = compare;
    this.#handedOut = handedOut;
    this.#endedBefore = endedBefore;
    for (const { range, start } of partitions) if (!endedBefore.has(range.partition)) this.#add(range, start);
  }

  /** Those that came into being while the range is read: from their beginning, for ever. Those that are known are left as they are. */
  join(partitions: readonly ChildPartition[]): void {
    for (const { partition, parents } of partitions) {
      if (this.#buffers.has(partition) || this.#endedBefore.has(partition)) continue;
      const start: Place = { kind: "earliest" };
      this.#add({ partition, start, end: null, parents, gap: null }, start);
    }
  }

  #add(range: RangePartition, start: Place): void {
    const { partition } = range;
    const handedOut = this.#handedOut;
    const handedOutTo = handedOut === undefined ? undefined : (record: StoredRecord) => handedOut(partition, record);
    const buffer = new PartitionBuffer(this.#sourceOf(partition), range, start, this.#compare, handedOutTo);
    this.#buffers.set(partition, buffer);
    this.#waiting.add(buffer);
  }

  get(partition: string): PartitionBuffer | undefined {
    return this.#buffers.get(partition);
  }

  all(): Iterable<PartitionBuffer> {
    return this.#buffers.values();
  }

  /** Is any of them not free to be read yet? */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Those that no longer wait for a parent and have something to read; each is answered once. */
  takeFree(): PartitionBuffer[] {
    const taken: PartitionBuffer[] = [];
    // Dropping an empty partition may set its children free, so it goes round until nothing changes.
    for (let free = this.#withoutWaitingParents(); free.length > 0; free = this.#withoutWaitingParents()) {
      for (const buffer of free) this.#waiting.delete(buffer);
      taken.push(...free.filter((buffer) => !buffer.finished));
    }
    return taken;
  }

  #withoutWaitingParents(): PartitionBuffer[] {
    return [...this.#waiting].filter((buffer) =>
      buffer.parents.every((name) => {
        const parent = this.#buffers.get(name);
        return parent === undefined || (parent.drained && !this.#waiting.has(parent));
      }),
    );
  }

  /** Behind what was handed out, for every partition of the range. */
  places(): ReadonlyMap<string, PartitionPlace> {
    const places = new Map<string, PartitionPlace>();
    for (const partition of this.#endedBefore) places.set(partition, { kind: "ended" });
    for (const [partition, buffer] of this.#buffers) places.set(partition, buffer.place);
    return places;
  }
}
