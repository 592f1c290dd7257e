import { afterEach, expect, test, vi } from "vitest";
import { crc32c } from "../../../../../adapters/kafka/log/crc32c.ts";

/** RFC 3720, appendix B.4. */
test.each([
  ["32 zeroes", Buffer.alloc(32), 0x8a9136aa],
  ["32 ones", Buffer.alloc(32, 0xff), 0x62a8ab43],
  ["ascending", Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
  ["digits", Buffer.from("123456789"), 0xe3069283],
  ["nothing", Buffer.alloc(0), 0],
])("%s", (_name, bytes, sum) => {
  expect(crc32c(bytes)).toBe(sum);
});

test("the checksum of a part of a buffer is that of the part alone, for every length", () => {
  const bytes = Buffer.from(Array.from({ length: 40 }, (_, index) => (index * 37) & 0xff));
  for (let begin = 0; begin < 10; begin += 1) {
    for (let end = begin; end < 40; end += 1) expect(crc32c(bytes, begin, end)).toBe(crc32c(Buffer.from(bytes.subarray(begin, end))));
  }
});

/** Computes the checksum bit by bit with the polynomial. */
function bitByBit(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function mixedBytes(length: number): Buffer {
  let state = 1;
  return Buffer.from(Array.from({ length }, () => (state = Math.imul(state, 48_271) >>> 0) >>> 24));
}

const PARTS: readonly (readonly [begin: number, end: number])[] = [
  ...Array.from({ length: 40 }, (_, more): [number, number] => [more % 5, 1_010 + more]),
  ...Array.from({ length: 40 }, (_, more): [number, number] => [3, 3 + 32_750 + more]),
  ...Array.from({ length: 8 }, (_, more): [number, number] => [more, 65_536 + 1_020 + more * 2]),
  [1, 100_000],
];

test("the checksum of a long part equals the one computed bit by bit, also if it is computed in several pieces", () => {
  const bytes = mixedBytes(100_000);
  for (const [begin, end] of PARTS) expect(crc32c(bytes, begin, end), `${begin} to ${end}`).toBe(bitByBit(bytes.subarray(begin, end)));
});

test("any changed bit of a long part changes the checksum", () => {
  const bytes = mixedBytes(1_500);
  const sum = crc32c(bytes);
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at]! ^= 1 << (at % 8);
    expect(crc32c(bytes), `byte ${at}`).not.toBe(sum);
    bytes[at]! ^= 1 << (at % 8);
  }
  expect(crc32c(bytes)).toBe(sum);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

test("without WebAssembly, as with `node --jitless`, the checksums are the same", async () => {
  const bytes = mixedBytes(100_000);
  vi.resetModules();
  vi.stubGlobal("WebAssembly", undefined);
  const without = await import("../../../../../adapters/kafka/log/crc32c.ts");
  expect(without.crc32c).not.toBe(crc32c);
  for (const [begin, end] of PARTS) expect(without.crc32c(bytes, begin, end)).toBe(crc32c(bytes, begin, end));
});
