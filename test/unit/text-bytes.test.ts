import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bytesToText, hasEscapedBytes, textToBytes } from "../../src/text-bytes.ts";

test("all bytes come back through text", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect([...textToBytes(bytesToText(bytes), "key")]).toEqual([...bytes]);
    }),
    { numRuns: 500, seed: 1 },
  );
});

test("well-formed text is UTF-8, the replacement character included", () => {
  for (const text of ["", "é", "\ufffd", "👍", "\ufeffbom"]) {
    expect(bytesToText(textToBytes(text, "key"))).toBe(text);
    expect(hasEscapedBytes(text)).toBe(false);
  }
});

test.each([
  ["a lone continuation byte", [0x61, 0x80, 0x62], "a\udc80b"],
  ["a cut sequence", [0xe2, 0x82], "\udce2\udc82"],
  ["an overlong form", [0xc0, 0x80], "\udcc0\udc80"],
  ["a surrogate in UTF-8", [0xed, 0xa0, 0x80], "\udced\udca0\udc80"],
  ["beyond Unicode", [0xf5, 0x80, 0x80, 0x80], "\udcf5\udc80\udc80\udc80"],
])("%s shows byte by byte", (_, bytes, text) => {
  expect(bytesToText(Uint8Array.from(bytes))).toBe(text);
  expect(hasEscapedBytes(text)).toBe(true);
});

test("a lone surrogate that stands for no byte is refused by name", () => {
  for (const text of ["\ud800", "\udc7f", "a\udfff"]) {
    expect(() => textToBytes(text, "the key")).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringMatching(/^the key .*U\+D/) }),
    );
  }
});
