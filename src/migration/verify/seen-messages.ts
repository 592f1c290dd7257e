const EMPTY = new Uint8Array(0);

/** Which messages of a source have been met: a bit for each ordinal, or, where there are none, each position. */
export class SeenMessages {
  readonly #bits = new Map<string, Uint8Array>();
  readonly #positions = new Set<string>();

  /** @returns whether it is met for the first time */
  add(partition: string, ordinal: number | null, position: () => string): boolean {
    if (ordinal === null) {
      const { size } = this.#positions;
      return this.#positions.add(position()).size > size;
    }
    const at = Math.floor(ordinal / 8);
    const mask = 1 << (ordinal % 8);
    let bits = this.#bits.get(partition) ?? EMPTY;
    if (at >= bits.length) {
      const larger = new Uint8Array(Math.max(bits.length * 2, at + 1_024));
      larger.set(bits);
      bits = larger;
      this.#bits.set(partition, bits);
    }
    if ((bits[at]! & mask) !== 0) return false;
    bits[at]! |= mask;
    return true;
  }
}
