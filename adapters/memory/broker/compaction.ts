import type { MemoryRecord } from "../records.ts";

/**
 * Which records of a log compaction has removed. The others keep their index, and the end of the log stays where it was: also
 * when it is the last records that are gone.
 */
export class Compaction {
  readonly #removed = new Set<number>();

  /** Of these, all that a log holds, removes what a later one of its key supersedes, and every tombstone. @returns the removed */
  compact(records: readonly MemoryRecord[]): readonly MemoryRecord[] {
    const latest = new Map<string, number>();
    for (const { key, index } of records) if (key !== null) latest.set(textOf(key), index);
    const removed = records.filter(({ key, value, index }) => key !== null && (value === null || latest.get(textOf(key)) !== index));
    for (const { index } of removed) this.#removed.add(index);
    return removed;
  }

  has(index: number): boolean {
    return this.#removed.size > 0 && this.#removed.has(index);
  }

  /** The first index at or behind this one that is not removed; behind the end of the log none is. */
  next(index: number): number {
    let next = index;
    while (this.has(next)) next += 1;
    return next;
  }

  /** How many records from this one on lie together, at most so many, which is a finite number. */
  run(index: number, atMost: number): number {
    if (this.#removed.size === 0) return atMost;
    let length = 0;
    while (length < atMost && !this.#removed.has(index + length)) length += 1;
    return length;
  }

  /** The log has dropped it. @returns had it been removed before? */
  forget(index: number): boolean {
    return this.#removed.delete(index);
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString("latin1");
}
