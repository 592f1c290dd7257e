/** Which records of a log cannot be read, and at how many looks that still shows: what was damaged on its way is sound at the next. */
export class Damage {
  readonly #looksLeft = new Map<number, number>();

  /** @param looks at so many the record is damaged; `Infinity`: at every one */
  add(index: number, looks: number): void {
    this.#looksLeft.set(index, looks);
  }

  /** One look at the record: is it damaged? */
  shows(index: number): boolean {
    const left = this.#looksLeft.get(index);
    if (left === undefined) return false;
    if (left > 1) this.#looksLeft.set(index, left - 1);
    else this.#looksLeft.delete(index);
    return true;
  }

  has(index: number): boolean {
    return this.#looksLeft.has(index);
  }

  /** How many records from this one on lie before the next that is damaged, at most so many. The first was looked at. */
  run(index: number, atMost: number): number {
    if (this.#looksLeft.size === 0) return atMost;
    let length = 1;
    while (length < atMost && !this.has(index + length)) length += 1;
    return length;
  }

  /** The log has dropped it. */
  forget(index: number): void {
    this.#looksLeft.delete(index);
  }
}
