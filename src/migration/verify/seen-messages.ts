const EMPTY = new Uint8Array(0);

/** Which messages of a source have been met: a bit for each ordinal, or, where there are none, each position. */
export class SeenMessages {
  readonly #bits = new Map<string, Uint8Array>();
  readonly #positions = new Set<string>();
  /** Those of the last message: mostly the next one is of the same partition. */
  #partition = "";
  #last: Uint8Array = EMPTY;

  /** @returns whether it is met for the first time */
  add(partition: string, ordinal: number | null, position: () => string): boolean {
    if (ordinal === null) {
      const { size } = this.#positions;
      return this.#positions.add(position()).size > size;
    }
    const at = Math.floor(ordinal / 8);
    const mask = 1 << (ordinal % 8);
    const bits = this.#bitsOf(partition, at);
    if ((bits[at]! & mask) !== 0) return false;
    bits[at]! |= mask;
    return true;
  }

  /** With one for `at` at least. */
  #bitsOf(partition: string, at: number): Uint8Array {
    if (partition !== this.#partition) {
      this.#partition = partition;
      this.#last = this.#bits.get(partition) ?? EMPTY;
    }
    if (at >= this.#last.length) {
      const larger = new Uint8Array(Math.max(this.#last.length * 2, at + 1_024));
      larger.set(this.#last);
      this.#last = larger;
      this.#bits.set(partition, larger);
    }
    return this.#last;
  }
}
