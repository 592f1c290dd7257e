import { expect, test } from "vitest";
import { decompressLz4 } from "../../../../../adapters/kafka/log/lz4.ts";
import { decompressSnappy } from "../../../../../adapters/kafka/log/snappy.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
const ascii = (text: string) => Buffer.from(text, "latin1");

test("snappy: literals, copies of each kind, copies that overlap themselves", () => {
  // "abcd", four bytes from 4 back, ten from 1 back, three from 18 back with an offset of four bytes.
  const block = Buffer.concat([hex("15 0c"), ascii("abcd"), hex("01 04"), hex("26 0100"), hex("0b 12000000")]);
  expect(decompressSnappy(block).toString()).toBe(`abcdabcd${"d".repeat(10)}abc`);
});

test("snappy: a literal with its length in a byte of its own, framed as Java does it, in two blocks", () => {
  const long = "x".repeat(100);
  const block = Buffer.concat([hex("64 f0 63"), ascii(long)]);
  const framed = (part: Buffer) => Buffer.concat([hex("000000").subarray(0, 3), Buffer.of(part.length), part]);
  const header = hex("82 53 4e 41 50 50 59 00 00000001 00000001");
  expect(decompressSnappy(Buffer.concat([header, framed(block), framed(block)])).toString()).toBe(long + long);
});

test.each([
  ["a copy from before the beginning", "04 01 04"],
  ["more than announced", "02 0c 61 62 63 64"],
  ["less than announced", "08 0c 61 62 63 64"],
  ["a literal that is cut off", "08 1c 61"],
  ["an absurd length", "ff ff ff ff 7f 00"],
  ["no length", "ff"],
])("snappy: %s is corrupt", (_name, block) => {
  expect(() => decompressSnappy(hex(block))).toThrow(expect.objectContaining({ code: "corrupt" }));
});

const LZ4_HEADER = "04224d18 60 40 82";

test("lz4: literals, a match that overlaps itself, lengths in more bytes, an uncompressed block, a match into the block before", () => {
  const first = Buffer.concat([hex("4f"), ascii("abcd"), hex("0100 02")]);
  const second = Buffer.concat([hex("f0 0f"), ascii("y".repeat(30))]);
  const third = hex("04 1e00 00");
  const plain = ascii("plain");
  const size = (part: Buffer, isPlain = false) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(isPlain ? part.length + 2 ** 31 : part.length);
    return bytes;
  };
  const frame = Buffer.concat([
    hex(LZ4_HEADER),
    size(first),
    first,
    size(plain, true),
    plain,
    size(second),
    second,
    size(third),
    third,
    hex("00000000"),
  ]);
  expect(decompressLz4(frame).toString()).toBe(`abcd${"d".repeat(21)}plain${"y".repeat(30)}${"y".repeat(8)}`);
});

test.each([
  ["another magic number", "00224d18 60 40 82 00000000"],
  ["no end", LZ4_HEADER],
  ["a block that is cut off", `${LZ4_HEADER} 10000000 00`],
  ["a match from before the beginning", `${LZ4_HEADER} 03000000 00 0100 00000000`],
  ["a literal that is cut off", `${LZ4_HEADER} 02000000 40 61 00000000`],
])("lz4: %s is corrupt", (_name, frame) => {
  expect(() => decompressLz4(hex(frame))).toThrow(expect.objectContaining({ code: "corrupt" }));
});
