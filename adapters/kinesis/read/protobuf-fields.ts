/** The wire types of protobuf that occur: https://protobuf.dev/programming-guides/encoding/ */
const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

/** Walks over the fields of one protobuf message. */
export class ProtobufFields {
  readonly #content: Uint8Array;
  #at = 0;
  number = 0;
  /** Of a field that is a number; exact up to 32 bits. */
  value = 0;
  /** Of a field that is bytes; `null`: it is a number. A view. */
  bytes: Uint8Array | null = null;
  isMalformed = false;

  constructor(content: Uint8Array) {
    this.#content = content;
  }

  /** @returns `false` at the end, and where the message is malformed */
  next(): boolean {
    if (this.isMalformed || this.#at >= this.#content.length) return false;
    const tag = this.#varint();
    this.number = tag >>> 3;
    this.bytes = null;
    switch (tag & 7) {
      case VARINT:
        this.value = this.#varint();
        break;
      case BYTES:
        this.bytes = this.#take(this.#varint());
        break;
      case FIXED_64:
        this.#take(8);
        break;
      case FIXED_32:
        this.#take(4);
        break;
      default:
        this.isMalformed = true;
    }
    return !this.isMalformed;
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = this.#content[this.#at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    this.isMalformed = true;
    return 0;
  }

  #take(length: number): Uint8Array {
    const begin = this.#at;
    this.#at += length;
    if (this.#at > this.#content.length) this.isMalformed = true;
    return this.#content.subarray(begin, this.#at);
  }
}
