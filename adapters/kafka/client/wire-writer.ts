const INITIAL_BYTES = 512;

/**
 * Writes the primitive types of Kafka's protocol, in order. A long byte string can be added without a copy (`piece`), so that a batch is
 * written to the socket directly.
 */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;
  readonly #finished: Uint8Array[] = [];
  #finishedBytes = 0;

  #room(bytes: number): number {
    const at = this.#length;
    if (at + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, at + bytes));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = at + bytes;
    return at;
  }

  int8(value: number): this {
    this.#buffer.writeInt8(value, this.#room(1));
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int16(value: number): this {
    const at = this.#room(2);
    this.#buffer.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#room(4);
    this.#buffer.writeInt32BE(value, at);
    return this;
  }

  int64(value: bigint): this {
    const at = this.#room(8);
    this.#buffer.writeBigInt64BE(value, at);
    return this;
  }

  unsignedVarint(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      const at = this.#room(1);
      this.#buffer[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    const at = this.#room(1);
    this.#buffer[at] = rest;
    return this;
  }

  /** 32 hexadecimal digits. */
  uuid(value: string): this {
    const at = this.#room(16);
    this.#buffer.write(value, at, 16, "hex");
    return this;
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.byteLength(value, "utf8");
    this.int16(bytes);
    const at = this.#room(bytes);
    this.#buffer.write(value, at, bytes, "utf8");
    return this;
  }

  compactString(value: string | null): this {
    if (value === null) return this.unsignedVarint(0);
    const bytes = Buffer.byteLength(value, "utf8");
    this.unsignedVarint(bytes + 1);
    const at = this.#room(bytes);
    this.#buffer.write(value, at, bytes, "utf8");
    return this;
  }

  bytes(value: Uint8Array): this {
    this.int32(value.byteLength);
    const at = this.#room(value.byteLength);
    this.#buffer.set(value, at);
    return this;
  }

  array<Item>(items: readonly Item[] | null, write: (item: Item) => void): this {
    if (items === null) return this.int32(-1);
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  compactArray<Item>(items: readonly Item[] | null, write: (item: Item) => void): this {
    if (items === null) return this.unsignedVarint(0);
    this.unsignedVarint(items.length + 1);
    for (const item of items) write(item);
    return this;
  }

  /** Writes that a structure of the newer versions has no tagged fields. */
  noTags(): this {
    return this.unsignedVarint(0);
  }

  /** Adds bytes without a copy. They must not change until the request is sent. */
  piece(bytes: Uint8Array): this {
    if (this.#length > 0) {
      this.#finished.push(this.#buffer.subarray(0, this.#length));
      this.#finishedBytes += this.#length;
      this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES);
      this.#length = 0;
    }
    this.#finished.push(bytes);
    this.#finishedBytes += bytes.byteLength;
    return this;
  }

  /** Everything written, after its length in four bytes. */
  frame(): Uint8Array[] {
    const size = Buffer.allocUnsafe(4);
    size.writeInt32BE(this.#finishedBytes + this.#length);
    return [size, ...this.#finished, this.#buffer.subarray(0, this.#length)];
  }
}
