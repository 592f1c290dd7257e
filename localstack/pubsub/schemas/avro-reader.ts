/** Reads the binary encoding of Avro. What is not there is a `RangeError`. https://avro.apache.org/docs/1.11.1/specification/#binary-encoding */
export class AvroReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** A number of 7 bits a byte, the least first, with the sign in its last bit. @throws `RangeError` if it has more than 64 bits */
  long(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes.readUInt8(this.#at);
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n);
    }
    throw new RangeError("a number has more than 64 bits");
  }

  /** @throws `RangeError` for a negative one */
  length(): number {
    const length = this.long();
    if (length < 0n) throw new RangeError("a length is negative");
    return Number(length);
  }

  byte(): number {
    this.skip(1);
    return this.#bytes.readUInt8(this.#at - 1);
  }

  /** @returns the next bytes, behind which reading goes on */
  skip(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError("the bytes end before the value does");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
