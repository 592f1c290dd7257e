import type { MemoryRecord } from "../records.ts";

/**
 * The records of a log that compaction has removed. The other records keep their index, and the end of the log stays where it was,
 * even when the last records are removed.
 */
export class Compaction {
  readonly #removed = new Set<number>();

  /** Takes all records of a log. Removes those that a later record of their key supersedes, and every tombstone. @returns the removed */
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

  /** The first index at or after this one that is not removed. No index after the end of the log is removed. */
  next(index: number): number {
    let next = index;
    while (this.has(next)) next += 1;
    return next;
  }

  /** How many records from this one on follow each other without a removed one: at most `atMost`, which is finite. */
  run(index: number, atMost: number): number {
    if (this.#removed.size === 0) return atMost;
    let length = 0;
    while (length < atMost && !this.#removed.has(index + length)) length += 1;
    return length;
  }

  /** The log has dropped the record. @returns whether compaction had removed it before */
  forget(index: number): boolean {
    return this.#removed.delete(index);
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString("latin1");
}
