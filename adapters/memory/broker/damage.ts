/** The damaged records of a log, and how many more reads find each one damaged. Damage in transit is gone at the next read. */
export class Damage {
  readonly #readsLeft = new Map<number, number>();

  /** @param reads how many reads find the record damaged; `Infinity`: every read */
  add(index: number, reads: number): void {
    this.#readsLeft.set(index, reads);
  }

  /** Counts one read of the record. @returns whether the read finds it damaged */
  shows(index: number): boolean {
    const left = this.#readsLeft.get(index);
    if (left === undefined) return false;
    if (left > 1) this.#readsLeft.set(index, left - 1);
    else this.#readsLeft.delete(index);
    return true;
  }

  has(index: number): boolean {
    return this.#readsLeft.has(index);
  }

  /** How many records from this one on can be read before the next damaged one, at most `atMost`. The first was read already. */
  run(index: number, atMost: number): number {
    if (this.#readsLeft.size === 0) return atMost;
    let length = 1;
    while (length < atMost && !this.has(index + length)) length += 1;
    return length;
  }

  /** The log has dropped the record. */
  forget(index: number): void {
    this.#readsLeft.delete(index);
  }
}
