/** What a log hands out damaged, by its offset, and how many more reads get it so. Damage in transit is gone at a later read. */
export class DamagedReads<Offset> {
  readonly #left = new Map<Offset, number>();

  get isEmpty(): boolean {
    return this.#left.size === 0;
  }

  /** @param reads how many reads get it damaged; `Infinity`: every read */
  add(offset: Offset, reads: number): void {
    this.#left.set(offset, reads);
  }

  /** Counts a read. @returns whether this read gets it damaged */
  shows(offset: Offset): boolean {
    const left = this.#left.get(offset);
    if (left === undefined) return false;
    if (left > 1) this.#left.set(offset, left - 1);
    else this.#left.delete(offset);
    return true;
  }

  /** The log has dropped these. */
  forget(isDropped: (offset: Offset) => boolean): void {
    for (const offset of this.#left.keys()) if (isDropped(offset)) this.#left.delete(offset);
  }
}
