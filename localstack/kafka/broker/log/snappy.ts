import { ErrorCode, Refusal } from "../error-code.ts";

/** The header of Java's producer: a magic number and two versions. Blocks follow it, each after its length. */
const FRAMED_MARK = Buffer.from("\u0082SNAPPY\0", "latin1");
const FRAMED_HEADER_BYTES = 16;
const LONGEST_SHORT_LITERAL = 60;

/** @throws `Refusal` */
export function decompressSnappy(packed: Buffer): Buffer {
  if (packed.compare(FRAMED_MARK, 0, FRAMED_MARK.length, 0, Math.min(packed.length, FRAMED_MARK.length)) !== 0) return unpack(packed);
  const blocks: Buffer[] = [];
  for (let at = FRAMED_HEADER_BYTES; at < packed.length;) {
    if (at + 4 > packed.length) throw corrupt("ends within the length of a block");
    const end = at + 4 + packed.readUInt32BE(at);
    if (end > packed.length) throw corrupt("ends within a block");
    blocks.push(unpack(packed.subarray(at + 4, end)));
    at = end;
  }
  return Buffer.concat(blocks);
}

/** One block: https://github.com/google/snappy/blob/main/format_description.txt */
function unpack(block: Buffer): Buffer {
  let at = 0;
  const littleEndian = (bytes: number): number => {
    if (at + bytes > block.length) throw corrupt("ends within an element");
    at += bytes;
    return block.readUIntLE(at - bytes, bytes);
  };
  let size = 0;
  for (let factor = 1, more = true; more; factor *= 0x80) {
    const byte = littleEndian(1);
    size += (byte & 0x7f) * factor;
    more = byte >= 0x80;
    if (factor > 2 ** 28) throw corrupt("has no valid length");
  }
  // An element of three bytes makes at most 64 bytes.
  if (size > 64 + block.length * 22) throw corrupt("announces more than it can hold");
  const output = Buffer.allocUnsafe(size);
  let filled = 0;
  const literal = (tag: number): void => {
    const short = tag >>> 2;
    const length = 1 + (short < LONGEST_SHORT_LITERAL ? short : littleEndian(short - LONGEST_SHORT_LITERAL + 1));
    if (at + length > block.length || filled + length > size) throw corrupt("has a literal that is too long");
    block.copy(output, filled, at, at + length);
    at += length;
    filled += length;
  };
  const copy = (tag: number): void => {
    const isShort = (tag & 3) === 1;
    const length = isShort ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2);
    const offset = isShort ? ((tag >>> 5) << 8) | littleEndian(1) : littleEndian((tag & 3) === 2 ? 2 : 4);
    if (offset === 0 || offset > filled || filled + length > size) throw corrupt("has a copy of bytes that it does not have");
    // Copies byte by byte, because it may read bytes that it has just written.
    for (const end = filled + length; filled < end; filled += 1) output[filled] = output[filled - offset]!;
  };
  while (at < block.length) {
    const tag = littleEndian(1);
    if ((tag & 3) === 0) literal(tag);
    else copy(tag);
  }
  if (filled !== size) throw corrupt("is shorter than announced");
  return output;
}

/** Writes literals only, which is valid but saves nothing. */
export function compressSnappy(bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest = Math.floor(rest / 0x80)) {
    length.push(rest < 0x80 ? rest : (rest % 0x80) | 0x80);
    if (rest < 0x80) break;
  }
  if (bytes.length === 0) return Buffer.from(length);
  const tag = Buffer.alloc(5);
  tag[0] = (LONGEST_SHORT_LITERAL + 3) << 2;
  tag.writeUInt32LE(bytes.length - 1, 1);
  return Buffer.concat([Buffer.from(length), tag, bytes]);
}

function corrupt(what: string): Refusal {
  return new Refusal(ErrorCode.unknownServerError, `a snappy block ${what}`);
}
