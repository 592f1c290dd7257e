import { expect, test } from "vitest";
import { murmur2 } from "../../../../../adapters/kafka/produce/murmur2.ts";

/** From Java's own tests of `Utils.murmur2`, as positive numbers. */
test.each([
  ["21", -973_932_308],
  ["foobar", -790_332_482],
  ["a-little-bit-long-string", -985_981_536],
  ["a-little-bit-longer-string", -1_486_304_829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971],
  ["abc", 479_470_107],
])("the hash of %s is Java's", (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash & 0x7fffffff);
});

test("keys of three partitions", () => {
  expect(["a", "b", "c"].map((key) => murmur2(Buffer.from(key)) % 3)).toEqual([1, 2, 1]);
});
