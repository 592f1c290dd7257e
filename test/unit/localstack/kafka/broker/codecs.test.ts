import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decompressLz4 as adapterLz4 } from "../../../../../adapters/kafka/log/lz4.ts";
import { decompressSnappy as adapterSnappy } from "../../../../../adapters/kafka/log/snappy.ts";
import { CODECS, compress, decompress } from "../../../../../localstack/kafka/broker/log/compression.ts";
import { crc32c } from "../../../../../localstack/kafka/broker/log/crc32c.ts";

test("CRC-32C of the usual test value", () => {
  const digits = Buffer.from("..123456789..");
  expect(crc32c(digits, 2, 11)).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32), 0, 32)).toBe(0x8a9136aa);
});

test.each(CODECS.map((name, codec) => ({ name, codec })))("$name: compressed data is decompressed again", ({ codec }) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 500 }), (some, times) => {
      const bytes = Buffer.concat(Array.from({ length: times }, () => some));
      expect(decompress(codec, compress(codec, bytes)).equals(bytes)).toBe(true);
    }),
  );
});

test("other libraries read data that is compressed here", () => {
  const bytes = Buffer.from("flights ".repeat(20_000));
  expect(adapterSnappy(compress(2, bytes)).equals(bytes)).toBe(true);
  expect(adapterLz4(compress(3, bytes)).equals(bytes)).toBe(true);
});

/** Data as real encoders make them, with copies that overlap their own output. */
const PACKED = [
  { what: "snappy", codec: 2, packed: [10, 0, 0x61, 0x15, 0x01], unpacked: "a".repeat(10) },
  {
    what: "LZ4",
    codec: 3,
    packed: [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 5, 0, 0, 0, 0x15, 0x61, 1, 0, 0, 0, 0, 0, 0],
    unpacked: "a".repeat(10),
  },
];

test.each(PACKED)("$what: a copy of what has just been written", ({ codec, packed, unpacked }) => {
  expect(decompress(codec, Buffer.from(packed)).toString()).toBe(unpacked);
});

test.each([1, 2, 3, 4, 5, 7])("codec %i: invalid data is refused, whatever it is", (codec) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
      try {
        decompress(codec, Buffer.from(bytes));
      } catch (error) {
        expect(error).toMatchObject({ name: "Refusal", errorCode: -1 });
      }
    }),
  );
});
