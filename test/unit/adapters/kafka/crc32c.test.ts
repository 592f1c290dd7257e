import { expect, test } from "vitest";
import { crc32c } from "../../../../adapters/kafka/crc32c.ts";

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

test("a part of a buffer sums up like the part alone, whatever its length", () => {
  const bytes = Buffer.from(Array.from({ length: 40 }, (_, index) => (index * 37) & 0xff));
  for (let begin = 0; begin < 10; begin += 1) {
    for (let end = begin; end < 40; end += 1) expect(crc32c(bytes, begin, end)).toBe(crc32c(Buffer.from(bytes.subarray(begin, end))));
  }
});
