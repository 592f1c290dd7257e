import { ErrorCode, Refusal } from "../error-code.ts";

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */
const FRAME_MAGIC = 0x184d2204;
const HAS_BLOCK_CHECKSUMS = 0x10;
const HAS_CONTENT_SIZE = 0x08;
const HAS_DICTIONARY = 0x01;
const STORED = 0x80000000;
const SHORTEST_MATCH = 4;
/** A length with this value in a token continues in the bytes after it. */
const GOES_ON = 15;
/** The magic number, version 1 with independent blocks of at most 64 KiB, and the checksum of these two bytes. */
const STORED_FRAME_HEADER = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
const STORED_BLOCK_BYTES = 65_536;

/** Does not verify the checksums of the frame, because that of the batch was verified. @throws `Refusal` */
export function decompressLz4(packed: Buffer): Buffer {
  if (packed.length < 7 || packed.readUInt32LE(0) !== FRAME_MAGIC) throw corrupt("does not begin like one");
  const flags = packed[4]!;
  const output = new GrowingOutput(packed.length * 3);
  let at = 7 + (flags & HAS_CONTENT_SIZE ? 8 : 0) + (flags & HAS_DICTIONARY ? 4 : 0);
  for (;;) {
    if (at + 4 > packed.length) throw corrupt("has no end");
    const word = packed.readUInt32LE(at);
    if (word === 0) return output.bytes;
    const begin = at + 4;
    const end = begin + (word & ~STORED);
    if (end > packed.length) throw corrupt("ends within a block");
    if (word >= STORED) output.append(packed, begin, end);
    else unpack(packed.subarray(begin, end), output);
    at = end + (flags & HAS_BLOCK_CHECKSUMS ? 4 : 0);
  }
}

function unpack(block: Buffer, output: GrowingOutput): void {
  let at = 0;
  const byte = (): number => {
    const value = block[at];
    if (value === undefined) throw corrupt("has a block that ends too early");
    at += 1;
    return value;
  };
  const lengthFrom = (token: number): number => {
    let length = token;
    for (let more = token === GOES_ON; more;) {
      const next = byte();
      length += next;
      more = next === 255;
    }
    return length;
  };
  for (;;) {
    const token = byte();
    const literals = lengthFrom(token >>> 4);
    if (at + literals > block.length) throw corrupt("has a literal that is too long");
    output.append(block, at, at + literals);
    at += literals;
    // The last sequence of a block has only a literal.
    if (at === block.length) return;
    const offset = byte() | (byte() << 8);
    output.repeat(offset, lengthFrom(token & GOES_ON) + SHORTEST_MATCH);
  }
}

class GrowingOutput {
  #buffer: Buffer;
  #filled = 0;

  constructor(expectedBytes: number) {
    this.#buffer = Buffer.allocUnsafe(expectedBytes);
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#filled);
  }

  #require(bytes: number): void {
    if (this.#filled + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * this.#buffer.length + bytes);
    this.#buffer.copy(larger, 0, 0, this.#filled);
    this.#buffer = larger;
  }

  append(source: Buffer, begin: number, end: number): void {
    this.#require(end - begin);
    this.#filled += source.copy(this.#buffer, this.#filled, begin, end);
  }

  /** Copies a match, also across blocks. It copies byte by byte, because it may read bytes that it has just written. */
  repeat(offset: number, length: number): void {
    if (offset === 0 || offset > this.#filled) throw corrupt("has a match before its start");
    this.#require(length);
    for (const end = this.#filled + length; this.#filled < end; this.#filled += 1) {
      this.#buffer[this.#filled] = this.#buffer[this.#filled - offset]!;
    }
  }
}

/** Writes uncompressed blocks, which is valid but saves nothing. */
export function compressLz4(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [STORED_FRAME_HEADER];
  const word = (value: number): Buffer => {
    const four = Buffer.alloc(4);
    four.writeUInt32LE(value);
    return four;
  };
  for (let at = 0; at < bytes.length; at += STORED_BLOCK_BYTES) {
    const block = bytes.subarray(at, at + STORED_BLOCK_BYTES);
    pieces.push(word(STORED + block.length), block);
  }
  return Buffer.concat([...pieces, word(0)]);
}

function corrupt(what: string): Refusal {
  return new Refusal(ErrorCode.unknownServerError, `an LZ4 frame ${what}`);
}
