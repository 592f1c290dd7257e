import { ErrorCode, Refusal } from "../error-code.ts";

/**
 * Reads the uncompressed records of a batch one after the other. Its fields are those of the current record. It copies and allocates
 * nothing, because a broker checks every record that it stores.
 */
export class RecordCursor {
  readonly payload: Buffer;
  /** Size of the record, including its length field. */
  begin = 0;
  end = 0;
  offsetDelta = 0;
  /** Exact up to 2^53. */
  timestampDelta = 0;
  keyBegin = 0;
  /** -1: no key. */
  keyLength = 0;
  valueBegin = 0;
  /** -1: a tombstone. */
  valueLength = 0;
  #at = 0;
  #timestampBegin = 0;

  constructor(payload: Buffer) {
    this.payload = payload;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.payload.length;
  }

  /** @throws `Refusal` for bytes that are no record */
  next(): void {
    this.begin = this.#at;
    const length = this.#varint();
    this.end = this.#at + length;
    if (length < 1 || this.end > this.payload.length) throw malformed("a record leaves its batch");
    // The attributes of a record, of which Kafka defines none.
    this.#at += 1;
    this.#timestampBegin = this.#at;
    this.timestampDelta = this.#varlong();
    this.offsetDelta = this.#varint();
    this.keyLength = this.#varint();
    this.keyBegin = this.#at;
    this.#at += Math.max(0, this.keyLength);
    this.valueLength = this.#varint();
    this.valueBegin = this.#at;
    this.#at += Math.max(0, this.valueLength);
    this.#skipHeaders();
    if (this.#at !== this.end) throw malformed("the parts of a record do not fill it");
  }

  /** `null` if the record has no key. */
  get key(): Buffer | null {
    return this.keyLength < 0 ? null : this.payload.subarray(this.keyBegin, this.keyBegin + this.keyLength);
  }

  get value(): Buffer | null {
    return this.valueLength < 0 ? null : this.payload.subarray(this.valueBegin, this.valueBegin + this.valueLength);
  }

  get exactTimestampDelta(): bigint {
    let value = 0n;
    for (let at = this.#timestampBegin, shift = 0n; ; at += 1, shift += 7n) {
      const byte = this.payload[at]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
  }

  #skipHeaders(): void {
    const count = this.#varint();
    if (count < 0) throw malformed("a record has a negative number of headers");
    for (let header = 0; header < count; header += 1) {
      const nameLength = this.#varint();
      if (nameLength < 0) throw malformed("a header has no name");
      this.#at += nameLength;
      const valueLength = this.#varint();
      this.#at += Math.max(0, valueLength);
      if (this.#at > this.end) throw malformed("a header leaves its record");
    }
  }

  /** Zigzag, at most 32 bits. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw malformed("a number has more than five bytes");
  }

  /** Zigzag; exact up to the 53 bits of a number. */
  #varlong(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count += 1) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      factor *= 0x80;
    }
    throw malformed("a number has more than ten bytes");
  }

  #byte(): number {
    const byte = this.payload[this.#at];
    if (byte === undefined) throw malformed("a record ends too early");
    this.#at += 1;
    return byte;
  }
}

function malformed(what: string): Refusal {
  return new Refusal(ErrorCode.invalidRecord, what);
}
