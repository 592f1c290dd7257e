const INITIAL_BYTES = 256;

/** Writes the primitive types of Kafka's protocol into one message. Batches of records are not copied: they become pieces of it. */
export class WireWriter {
  readonly version: number;
  readonly isFlexible: boolean;
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;

  constructor(version: number, isFlexible: boolean) {
    this.version = version;
    this.isFlexible = isFlexible;
  }

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

  int8(value: number): void {
    const at = this.#room(1);
    this.#buffer.writeInt8(value, at);
  }

  int16(value: number): void {
    const at = this.#room(2);
    this.#buffer.writeInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeInt32BE(value, at);
  }

  int64(value: bigint): void {
    const at = this.#room(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  unsignedVarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      const at = this.#room(1);
      this.#buffer[at] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    const at = this.#room(1);
    this.#buffer[at] = rest;
  }

  uuid(value: string): void {
    const at = this.#room(16);
    this.#buffer.write(value, at, 16, "base64url");
  }

  string(value: string | null): void {
    const bytes = value === null ? -1 : Buffer.byteLength(value, "utf8");
    if (this.isFlexible) this.unsignedVarint(bytes + 1);
    else this.int16(bytes);
    if (value === null) return;
    const at = this.#room(bytes);
    this.#buffer.write(value, at, bytes, "utf8");
  }

  bytes(value: Uint8Array | null): void {
    this.#bytesLength(value === null ? -1 : value.byteLength);
    if (value === null) return;
    const at = this.#room(value.byteLength);
    this.#buffer.set(value, at);
  }

  /** One field of bytes from several pieces, which must not change any more. */
  pieces(pieces: readonly Uint8Array[]): void {
    let bytes = 0;
    for (const piece of pieces) bytes += piece.byteLength;
    this.#bytesLength(bytes);
    for (const piece of pieces) this.#piece(piece);
  }

  #bytesLength(bytes: number): void {
    if (this.isFlexible) this.unsignedVarint(bytes + 1);
    else this.int32(bytes);
  }

  #piece(bytes: Uint8Array): void {
    this.#finishPiece();
    this.#pieces.push(bytes);
    this.#piecesBytes += bytes.byteLength;
  }

  #finishPiece(): void {
    if (this.#length === 0) return;
    this.#pieces.push(this.#buffer.subarray(0, this.#length));
    this.#piecesBytes += this.#length;
    this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES);
    this.#length = 0;
  }

  arrayLength(count: number | null): void {
    if (this.isFlexible) this.unsignedVarint(count === null ? 0 : count + 1);
    else this.int32(count ?? -1);
  }

  /** A tagged field: its number, its length, and the bytes that `write` writes. */
  tag(number: number, write: (content: WireWriter) => void): void {
    const content = new WireWriter(this.version, this.isFlexible);
    write(content);
    const bytes = Buffer.concat(content.finish());
    this.unsignedVarint(number);
    this.unsignedVarint(bytes.length);
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** The pieces of everything that was written. */
  finish(): Uint8Array[] {
    this.#finishPiece();
    return this.#pieces;
  }

  /** As `finish`, with the length in four bytes in front. */
  frame(): Uint8Array[] {
    this.#finishPiece();
    const size = Buffer.allocUnsafe(4);
    size.writeInt32BE(this.#piecesBytes);
    return [size, ...this.#pieces];
  }
}
