import { corruptBatch } from "../errors.ts";

const FRAME_MAGIC = 0x184d2204;
const HAS_DICTIONARY = 0x01;
const HAS_CONTENT_SIZE = 0x08;
const HAS_BLOCK_CHECKSUMS = 0x10;
const IS_UNCOMPRESSED = 0x80000000;
const SHORTEST_MATCH = 4;

/**
 * An LZ4 frame: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. Its checksums are not checked,
 * because the checksum of the batch has been.
 * @throws `corrupt`
 */
export function decompressLz4(bytes: Buffer): Buffer {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== FRAME_MAGIC) throw corruptBatch("an LZ4 batch does not begin like a frame");
  const flags = bytes[4]!;
  const largestBlock = 2 ** (8 + 2 * ((bytes[5]! >>> 4) & 7));
  let at = 6 + (flags & HAS_CONTENT_SIZE ? 8 : 0) + (flags & HAS_DICTIONARY ? 4 : 0) + 1;
  const output = new Output(bytes.length * 4);
  while (at + 4 <= bytes.length) {
    const word = bytes.readUInt32LE(at);
    at += 4;
    if (word === 0) return output.finish();
    const size = word & ~IS_UNCOMPRESSED;
    if (at + size > bytes.length) throw corruptBatch("an LZ4 block is longer than its frame");
    const block = bytes.subarray(at, at + size);
    // A block can refer to earlier blocks, so all blocks have one output.
    if (word >= IS_UNCOMPRESSED) output.append(block, 0, size);
    else decompressBlock(block, output, largestBlock);
    at += size + (flags & HAS_BLOCK_CHECKSUMS ? 4 : 0);
  }
  throw corruptBatch("an LZ4 frame has no end");
}

function decompressBlock(block: Buffer, output: Output, largestBlock: number): void {
  let at = 0;
  output.room(largestBlock);
  const longer = (length: number): number => {
    let total = length;
    if (length !== 15) return total;
    for (;;) {
      const byte = block[at++];
      if (byte === undefined) throw corruptBatch("an LZ4 block ends too early");
      total += byte;
      if (byte !== 255) return total;
    }
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = longer(token >>> 4);
    if (at + literals > block.length) throw corruptBatch("an LZ4 literal leaves its block");
    output.append(block, at, at + literals);
    at += literals;
    if (at >= block.length) return;
    if (at + 2 > block.length) throw corruptBatch("an LZ4 block ends too early");
    const offset = block.readUInt16LE(at);
    at += 2;
    output.repeat(offset, longer(token & 15) + SHORTEST_MATCH);
  }
}

/** Grows as it is filled. */
class Output {
  #buffer: Buffer;
  #filled = 0;

  constructor(expectedBytes: number) {
    this.#buffer = Buffer.allocUnsafe(expectedBytes);
  }

  room(bytes: number): void {
    if (this.#filled + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#filled + bytes));
    this.#buffer.copy(larger, 0, 0, this.#filled);
    this.#buffer = larger;
  }

  append(source: Buffer, begin: number, end: number): void {
    this.room(end - begin);
    this.#filled += source.copy(this.#buffer, this.#filled, begin, end);
  }

  /** Repeats bytes that were written `offset` bytes ago. It copies byte by byte, because source and target may overlap. */
  repeat(offset: number, length: number): void {
    if (offset === 0 || offset > this.#filled) throw corruptBatch("an LZ4 match begins before its frame");
    this.room(length);
    const buffer = this.#buffer;
    let at = this.#filled;
    for (const end = at + length; at < end; at += 1) buffer[at] = buffer[at - offset]!;
    this.#filled = at;
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#filled);
  }
}
