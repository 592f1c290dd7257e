import { expect, test } from "vitest";
import { murmur2 } from "../../../../../adapters/memory/broker/hash.ts";

// The values that Kafka's own clients compute for these keys, as signed numbers.
test.each([
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
])("the hash of %s is that of Kafka", (key, hash) => {
  expect(murmur2(Buffer.from(key)) | 0).toBe(hash);
});
