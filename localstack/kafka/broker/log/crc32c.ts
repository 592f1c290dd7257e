const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;
const TABLE_SIZE = 256;

/** Eight tables, one after the other: one for each of the eight bytes that are processed together. */
const TABLES = tables();

function tables(): Int32Array {
  const all = new Int32Array(TABLE_SIZE * SLICES);
  for (let byte = 0; byte < TABLE_SIZE; byte += 1) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
    all[byte] = remainder;
  }
  for (let at = TABLE_SIZE; at < all.length; at += 1) {
    const shorter = all[at - TABLE_SIZE]!;
    all[at] = (shorter >>> 8) ^ all[shorter & 0xff]!;
  }
  return all;
}

/** CRC-32C of a part of a buffer: the checksum of record batches, which Node does not have. */
export function crc32c(buffer: Buffer, begin: number, end: number): number {
  const table = TABLES;
  let crc = -1;
  let at = begin;
  for (; at + SLICES <= end; at += SLICES) {
    const first = crc ^ (buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24));
    crc =
      table[0x700 + (first & 0xff)]! ^
      table[0x600 + ((first >>> 8) & 0xff)]! ^
      table[0x500 + ((first >>> 16) & 0xff)]! ^
      table[0x400 + (first >>> 24)]! ^
      table[0x300 + buffer[at + 4]!]! ^
      table[0x200 + buffer[at + 5]!]! ^
      table[0x100 + buffer[at + 6]!]! ^
      table[buffer[at + 7]!]!;
  }
  for (; at < end; at += 1) crc = (crc >>> 8) ^ table[(crc ^ buffer[at]!) & 0xff]!;
  return ~crc >>> 0;
}
