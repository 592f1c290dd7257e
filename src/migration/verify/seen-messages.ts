const FIRST_BYTES = 1_024;

/** Which messages of a source have been met: a bit for each ordinal, or, where there are none, each position. */
export class SeenMessages {
  readonly #bits = new Map<string, Uint8Array>();
  readonly #positions = new Set<string>();

  /** @returns whether it is met for the first time */
  add(partition: string, position: string, ordinal: string | null): boolean {
    if (ordinal === null) {
      if (this.#positions.has(position)) return false;
      this.#positions.add(position);
      return true;
    }
    const number = Number(ordinal);
    const at = Math.floor(number / 8);
    const mask = 1 << (number % 8);
    let bits = this.#bits.get(partition) ?? new Uint8Array(FIRST_BYTES);
    if (at >= bits.length) {
      const larger = new Uint8Array(Math.max(bits.length * 2, at + 1));
      larger.set(bits);
      bits = larger;
    }
    this.#bits.set(partition, bits);
    if ((bits[at]! & mask) !== 0) return false;
    bits[at]! |= mask;
    return true;
  }
}
