/** Reads the primitive types of Kafka's protocol from one message. Reading past the end throws a RangeError. */
export class WireReader {
  readonly version: number;
  /** Lengths are varints and every structure ends with tagged fields. */
  readonly isFlexible: boolean;
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, version: number, isFlexible: boolean, at = 0) {
    this.#buffer = buffer;
    this.version = version;
    this.isFlexible = isFlexible;
    this.#at = at;
  }

  get remaining(): number {
    return this.#buffer.length - this.#at;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || at + bytes > this.#buffer.length) throw new RangeError("a message ends before the fields that it announces");
    this.#at = at + bytes;
    return at;
  }

  int8(): number {
    return this.#buffer.readInt8(this.#take(1));
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
    throw new RangeError("a message has a length of more than five bytes");
  }

  /** An id in Kafka's text form of 22 characters. */
  uuid(): string {
    const at = this.#take(16);
    return this.#buffer.toString("base64url", at, at + 16);
  }

  /** Length of a string in bytes; -1 for a missing one. */
  #stringLength(): number {
    return this.isFlexible ? this.unsignedVarint() - 1 : this.int16();
  }

  string(): string | null {
    const bytes = this.#stringLength();
    if (bytes < 0) return null;
    const at = this.#take(bytes);
    return this.#buffer.toString("utf8", at, at + bytes);
  }

  /** The header's client id, whose length is never a varint. */
  plainString(): string | null {
    const bytes = this.int16();
    if (bytes < 0) return null;
    const at = this.#take(bytes);
    return this.#buffer.toString("utf8", at, at + bytes);
  }

  /** A view into the message, not a copy. */
  bytes(): Buffer | null {
    const bytes = this.isFlexible ? this.unsignedVarint() - 1 : this.int32();
    if (bytes < 0) return null;
    const at = this.#take(bytes);
    return this.#buffer.subarray(at, at + bytes);
  }

  /** How many items follow; `null` for a missing array. */
  arrayLength(): number | null {
    const count = this.isFlexible ? this.unsignedVarint() - 1 : this.int32();
    // Every item has at least one byte, so a higher count is invalid. Without this check it would fill the memory.
    if (count > this.remaining) throw new RangeError("a message announces more items than it has bytes");
    return count < 0 ? null : count;
  }

  /** Reads the tagged fields at the end of a structure, each with a separate reader. */
  tags(read: (tag: number, content: WireReader) => void): void {
    for (let count = this.unsignedVarint(); count > 0; count -= 1) {
      const tag = this.unsignedVarint();
      const size = this.unsignedVarint();
      const at = this.#take(size);
      read(tag, new WireReader(this.#buffer.subarray(0, at + size), this.version, this.isFlexible, at));
    }
  }
}
