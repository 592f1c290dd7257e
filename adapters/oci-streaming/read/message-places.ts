const [ITEM, KEY_END, VALUE, VALUE_END, OFFSET, BYTES, PLACES] = [0, 1, 2, 3, 4, 5, 6];

/** Where the parts of the messages lie in the text of a page. */
export class MessagePlaces {
  length = 0;
  /** Of all keys and values. */
  bytes = 0;
  readonly #headLength: number;
  readonly #places: Int32Array;
  readonly #timesMs: Float64Array;

  /** @param headLength how many characters of each message come before its key. @param most how many messages there may be */
  constructor(headLength: number, most: number) {
    this.#headLength = headLength;
    this.#places = new Int32Array(most * PLACES);
    this.#timesMs = new Float64Array(most);
  }

  /** @param bytes of key and value together */
  add(item: number, keyEnd: number, value: number, valueEnd: number, offset: number, bytes: number, timeMs: number): void {
    const place = this.length * PLACES;
    this.#places[place + ITEM] = item;
    this.#places[place + KEY_END] = keyEnd;
    this.#places[place + VALUE] = value;
    this.#places[place + VALUE_END] = valueEnd;
    this.#places[place + OFFSET] = offset;
    this.#places[place + BYTES] = bytes;
    this.#timesMs[this.length] = timeMs;
    this.length += 1;
    this.bytes += bytes;
  }

  itemAt(index: number): number {
    return this.#places[index * PLACES + ITEM]!;
  }

  /** A text with its quotes, or `null`. */
  keyAt(index: number): number {
    return this.itemAt(index) + this.#headLength;
  }

  keyEndAt(index: number): number {
    return this.#places[index * PLACES + KEY_END]!;
  }

  /** Without its quotes. */
  valueAt(index: number): number {
    return this.#places[index * PLACES + VALUE]!;
  }

  valueEndAt(index: number): number {
    return this.#places[index * PLACES + VALUE_END]!;
  }

  offsetAt(index: number): number {
    return this.#places[index * PLACES + OFFSET]!;
  }

  bytesOf(index: number): number {
    return this.#places[index * PLACES + BYTES]!;
  }

  timeMsOf(index: number): number {
    return this.#timesMs[index]!;
  }
}
