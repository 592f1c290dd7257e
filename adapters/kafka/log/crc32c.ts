import { endianness } from "node:os";
import { Crc32cFolding, MIN_FOLDED_BYTES, MAX_FOLDED_BYTES } from "./crc32c-folding.ts";

const POLYNOMIAL = 0x82f63b78;
const SLICES = 16;
const WORD_BYTES = 4;
/** `Int32Array` reads words in the byte order of the processor. */
const IS_LITTLE_ENDIAN = endianness() === "LE";

/** Sixteen tables in one array, to process sixteen bytes at a time. */
const TABLE = buildTable();

function buildTable(): Int32Array {
  const table = new Int32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[byte] = crc;
  }
  for (let at = 256; at < table.length; at += 1) {
    const before = table[at - 256]!;
    table[at] = (before >>> 8) ^ table[before & 0xff]!;
  }
  return table;
}

/** `null`: without WebAssembly the tables compute everything. */
const FOLDING = openFolding();

function openFolding(): Crc32cFolding | null {
  try {
    return new Crc32cFolding();
  } catch {
    return null;
  }
}

/** CRC-32C (Castagnoli), the checksum of record batches. Node has only CRC-32. */
export function crc32c(bytes: Uint8Array, begin = 0, end = bytes.length): number {
  let crc = -1;
  let at = begin;
  while (FOLDING !== null && end - at >= MIN_FOLDED_BYTES) {
    const next = Math.min(end, at + MAX_FOLDED_BYTES);
    const rest = FOLDING.rest(crc, bytes, at, next);
    crc = byTables(0, rest, 0, rest.length);
    at = next;
  }
  return ~byTables(crc, bytes, at, end) >>> 0;
}

function byTables(before: number, bytes: Uint8Array, begin: number, end: number): number {
  if (!IS_LITTLE_ENDIAN) return byBytes(before, bytes, begin, end);
  const misaligned = (bytes.byteOffset + begin) % WORD_BYTES;
  const first = misaligned === 0 ? begin : Math.min(end, begin + WORD_BYTES - misaligned);
  const blocks = Math.floor((end - first) / SLICES);
  const crc = byWords(byBytes(before, bytes, begin, first), bytes, first, blocks);
  return byBytes(crc, bytes, first + blocks * SLICES, end);
}

function byBytes(before: number, bytes: Uint8Array, begin: number, end: number): number {
  let crc = before;
  for (let at = begin; at < end; at += 1) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]!) & 0xff]!;
  return crc;
}

/** Takes half the time of single bytes: 0.5 ns a byte. */
function byWords(before: number, bytes: Uint8Array, begin: number, blocks: number): number {
  if (blocks <= 0) return before;
  const table = TABLE;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + begin, (blocks * SLICES) / WORD_BYTES);
  let crc = before;
  for (let at = 0; at < words.length; at += 4) {
    const first = crc ^ words[at]!;
    const second = words[at + 1]!;
    const third = words[at + 2]!;
    const fourth = words[at + 3]!;
    crc =
      table[3840 + (first & 0xff)]! ^
      table[3584 + ((first >>> 8) & 0xff)]! ^
      table[3328 + ((first >>> 16) & 0xff)]! ^
      table[3072 + (first >>> 24)]! ^
      table[2816 + (second & 0xff)]! ^
      table[2560 + ((second >>> 8) & 0xff)]! ^
      table[2304 + ((second >>> 16) & 0xff)]! ^
      table[2048 + (second >>> 24)]! ^
      table[1792 + (third & 0xff)]! ^
      table[1536 + ((third >>> 8) & 0xff)]! ^
      table[1280 + ((third >>> 16) & 0xff)]! ^
      table[1024 + (third >>> 24)]! ^
      table[768 + (fourth & 0xff)]! ^
      table[512 + ((fourth >>> 8) & 0xff)]! ^
      table[256 + ((fourth >>> 16) & 0xff)]! ^
      table[fourth >>> 24]!;
  }
  return crc;
}
