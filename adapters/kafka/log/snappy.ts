import { corruptBatch } from "../errors.ts";

/** The header of snappy-java, which Java producers use: `\x82SNAPPY\0` and two versions. Blocks with their lengths follow. */
const XERIAL_MARK = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** @throws `corrupt` */
export function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL_MARK.length).equals(XERIAL_MARK)) return decompressBlock(bytes);
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at + 4 <= bytes.length;) {
    const size = bytes.readInt32BE(at);
    at += 4;
    if (size < 0 || at + size > bytes.length) throw corruptBatch("a snappy block is longer than its batch");
    blocks.push(decompressBlock(bytes.subarray(at, at + size)));
    at += size;
  }
  return Buffer.concat(blocks);
}

/** A raw block: https://github.com/google/snappy/blob/main/format_description.txt */
function decompressBlock(bytes: Buffer): Buffer {
  let at = 0;
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 28) throw corruptBatch("a snappy block has no valid length");
    size += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  // The format cannot make more than 64 bytes of three.
  if (size > bytes.length * 22 + 64) throw corruptBatch("a snappy block announces more than it can hold");
  const output = Buffer.allocUnsafe(size);
  let filled = 0;
  while (at < bytes.length) {
    const tag = bytes[at++]!;
    if ((tag & 3) === 0) {
      let length = tag >>> 2;
      if (length >= 60) {
        const lengthBytes = length - 59;
        length = at + lengthBytes <= bytes.length ? bytes.readUIntLE(at, lengthBytes) : Infinity;
        at += lengthBytes;
      }
      length += 1;
      if (at + length > bytes.length || filled + length > size) throw corruptBatch("a snappy literal leaves its block");
      bytes.copy(output, filled, at, at + length);
      at += length;
      filled += length;
      continue;
    }
    const kind = tag & 3;
    const offsetBytes = kind === 3 ? 4 : kind;
    if (at + offsetBytes > bytes.length) throw corruptBatch("a snappy block ends too early");
    const offset = kind === 1 ? ((tag >>> 5) << 8) | bytes[at]! : bytes.readUIntLE(at, offsetBytes);
    const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    at += offsetBytes;
    if (offset === 0 || offset > filled || filled + length > size) throw corruptBatch("a snappy copy leaves its block");
    // Byte by byte, because source and target may overlap.
    for (const end = filled + length; filled < end; filled += 1) output[filled] = output[filled - offset]!;
  }
  if (filled !== size) throw corruptBatch("a snappy block is shorter than announced");
  return output;
}
