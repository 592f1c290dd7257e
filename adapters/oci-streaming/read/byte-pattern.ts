const WORD_BYTES = 4;

/** Bytes that are looked for at a place: four at a time, which takes a fraction of the time of one by one. */
export class BytePattern {
  readonly length: number;
  readonly #words: Int32Array;
  /** The last four bytes, which may have been compared already. */
  readonly #last: number;

  /** @param bytes four or more */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.length = bytes.length;
    this.#words = Int32Array.from({ length: Math.floor(bytes.length / WORD_BYTES) }, (_, index) => view.getInt32(index * WORD_BYTES, true));
    this.#last = view.getInt32(bytes.length - WORD_BYTES, true);
  }

  isAt(view: DataView, at: number): boolean {
    const words = this.#words;
    if (at < 0 || at + this.length > view.byteLength) return false;
    for (let index = 0; index < words.length; index += 1) if (view.getInt32(at + index * WORD_BYTES, true) !== words[index]) return false;
    return view.getInt32(at + this.length - WORD_BYTES, true) === this.#last;
  }
}
