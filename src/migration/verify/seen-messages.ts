/** Ordinals that share one piece of the bits: where a copy has lost count they go on at a much greater one. */
const PIECE = 65_536;

/** Which messages of a source have been met: a bit for each ordinal, or, where there are none, each position. */
export class SeenMessages {
  readonly #bits = new Map<string, Map<number, Uint8Array>>();
  readonly #positions = new Set<string>();
  /** Those of the last message: mostly the next one is of the same piece. */
  #partition = "";
  #piece = -1;
  #last: Uint8Array = new Uint8Array(0);

  /** @returns whether it is met for the first time */
  add(partition: string, ordinal: number | null, position: () => string): boolean {
    if (ordinal === null) {
      const { size } = this.#positions;
      return this.#positions.add(position()).size > size;
    }
    const within = ordinal % PIECE;
    const bits = this.#bitsOf(partition, Math.floor(ordinal / PIECE));
    const at = within >> 3;
    const mask = 1 << (within & 7);
    if ((bits[at]! & mask) !== 0) return false;
    bits[at]! |= mask;
    return true;
  }

  #bitsOf(partition: string, piece: number): Uint8Array {
    if (partition === this.#partition && piece === this.#piece) return this.#last;
    this.#partition = partition;
    this.#piece = piece;
    let pieces = this.#bits.get(partition);
    if (pieces === undefined) this.#bits.set(partition, (pieces = new Map()));
    let bits = pieces.get(piece);
    if (bits === undefined) pieces.set(piece, (bits = new Uint8Array(PIECE / 8)));
    this.#last = bits;
    return bits;
  }
}
