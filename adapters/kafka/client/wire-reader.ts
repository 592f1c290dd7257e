/** Reads the primitive types of Kafka's protocol, in order. Reading past the end throws a RangeError. */
export class WireReader {
  /** The throttle time of the answer; 0: none. */
  throttleMs = 0;
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || at + bytes > this.#buffer.length) throw new RangeError("the answer ends before what it announces");
    this.#at = at + bytes;
    return at;
  }

  int8(): number {
    return this.#buffer.readInt8(this.#take(1));
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#take(4));
  }

  int64(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8));
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#buffer[this.#take(1)]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("the answer holds a length of more than five bytes");
  }

  /** 32 hexadecimal digits. */
  uuid(): string {
    const at = this.#take(16);
    return this.#buffer.toString("hex", at, at + 16);
  }

  #text(bytes: number): string {
    const at = this.#take(bytes);
    return this.#buffer.toString("utf8", at, at + bytes);
  }

  nullableString(): string | null {
    const bytes = this.int16();
    return bytes < 0 ? null : this.#text(bytes);
  }

  string(): string {
    return this.nullableString() ?? "";
  }

  compactNullableString(): string | null {
    const bytes = this.unsignedVarint() - 1;
    return bytes < 0 ? null : this.#text(bytes);
  }

  /** A view into the answer, not a copy. */
  bytes(): Buffer {
    return this.#view(this.int32());
  }

  /** A view into the answer, not a copy. */
  compactBytes(): Buffer {
    return this.#view(this.unsignedVarint() - 1);
  }

  #view(bytes: number): Buffer {
    if (bytes <= 0) return this.#buffer.subarray(0, 0);
    const at = this.#take(bytes);
    return this.#buffer.subarray(at, at + bytes);
  }

  array<Item>(read: () => Item): Item[] {
    return this.#items(this.int32(), read);
  }

  compactArray<Item>(read: () => Item): Item[] {
    return this.#items(this.unsignedVarint() - 1, read);
  }

  #items<Item>(count: number, read: () => Item): Item[] {
    const items: Item[] = [];
    for (let at = 0; at < count; at += 1) items.push(read());
    return items;
  }

  /** Skips the tagged fields at the end of a structure in the newer versions. */
  skipTags(): void {
    this.tagged(-1, () => null);
  }

  /** Like `skipTags`, but reads one of the fields. @returns `null` if the field is absent */
  tagged<Value>(wanted: number, read: () => Value): Value | null {
    let found: Value | null = null;
    for (let count = this.unsignedVarint(); count > 0; count -= 1) {
      const tag = this.unsignedVarint();
      const length = this.unsignedVarint();
      if (tag === wanted) found = read();
      else this.#take(length);
    }
    return found;
  }

  readThrottle(): void {
    this.throttleMs = this.int32();
  }
}
