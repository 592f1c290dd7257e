import { expect, test } from "vitest";
import { Random } from "../../../../src/conformance/history/random.ts";
import { partitionHash, placeHash } from "../../../../src/migration/digest/place-hash.ts";
import { type CarriedContent, RecordDigests } from "../../../../src/migration/digest/record-digests.ts";
import type { OpenSide } from "../../../../src/migration/side.ts";

function digestsOf(exactHeaders: boolean): RecordDigests {
  const side = { context: { capabilities: { exactHeaders } } } as unknown as OpenSide;
  return new RecordDigests(side, side);
}

const content: CarriedContent = {
  key: Buffer.from("key"),
  value: Buffer.alloc(100, 7),
  headers: [
    ["a", Buffer.from("1")],
    ["b", null],
  ],
  timestampMs: 1_730_000_000_000,
};

test("every change of a message changes its digest", () => {
  const digests = digestsOf(true);
  const random = new Random(1);
  const seen = new Set<number>([digests.of(1, content)]);
  let changes = 1;
  const add = (change: Partial<CarriedContent>, place = 1): void => {
    seen.add(digests.of(place, { ...content, ...change }));
    changes += 1;
  };
  add({}, 2);
  add({ key: null });
  add({ key: Buffer.alloc(0) });
  add({ value: null });
  add({ value: Buffer.alloc(0) });
  add({ headers: [] });
  add({ headers: content.headers.toReversed() });
  add({ headers: [["ab", Buffer.from("1")]] });
  add({ timestampMs: 1_730_000_000_001 });
  add({ timestampMs: -1 });
  for (const length of [1, 2, 3, 4, 5, 100, 159, 160, 1_000]) {
    for (let round = 0; round < 200; round += 1) {
      const value = Buffer.alloc(length, 0x41);
      // Two bits at most: what sums of products hide first.
      for (let bit = 0; bit < 2; bit += 1) value[random.between(0, length - 1)]! ^= 1 << random.between(0, 7);
      seen.add(digests.of(1, { ...content, value }));
    }
  }
  const values = new Set<string>();
  const again = new Random(1);
  for (const length of [1, 2, 3, 4, 5, 100, 159, 160, 1_000]) {
    for (let round = 0; round < 200; round += 1) {
      const value = Buffer.alloc(length, 0x41);
      for (let bit = 0; bit < 2; bit += 1) value[again.between(0, length - 1)]! ^= 1 << again.between(0, 7);
      values.add(value.toString("latin1"));
    }
  }
  expect(seen.size).toBe(changes + values.size);
});

test("two messages that have changed places have another sum", () => {
  const digests = digestsOf(true);
  const random = new Random(2);
  for (let round = 0; round < 5_000; round += 1) {
    const values = [Buffer.from(`value ${random.between(0, 1e9)}`), Buffer.from(`value ${random.between(0, 1e9)}`)];
    if (values[0]!.equals(values[1]!)) continue;
    const sum = (one: number, two: number): number =>
      digests.of(placeHash(partitionHash("0"), "1"), { ...content, value: values[one]! }) +
      digests.of(placeHash(partitionHash("0"), "2"), { ...content, value: values[two]! });
    expect(sum(0, 1)).not.toBe(sum(1, 0));
  }
});

test("the header of the copy is left out, and the order of headers only counts where both sides keep it", () => {
  const copied = { ...content, headers: [...content.headers, ["p", Buffer.from("x")] as const] };
  const reversed = { ...content, headers: content.headers.toReversed() };
  for (const exact of [true, false]) {
    expect(digestsOf(exact).of(1, copied, 2)).toBe(digestsOf(exact).of(1, content));
    expect(digestsOf(exact).of(1, reversed) === digestsOf(exact).of(1, content)).toBe(!exact);
  }
});
