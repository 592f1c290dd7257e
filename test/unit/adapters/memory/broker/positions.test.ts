import { expect, test } from "vitest";
import { COUNTED, type Positions, SparsePositions, comparePositions } from "../../../../../adapters/memory/broker/positions.ts";
import { profileOf } from "../../../../../adapters/memory/profiles.ts";

const SEQUENCE_NUMBERS = profileOf("kinesis", []).positionsOf;
const OFFSETS = profileOf("oci-streaming", []).positionsOf;
const INDEXES = Array.from({ length: 500 }, (_, index) => index);

const sparse: readonly (readonly [string, Positions])[] = [
  ["sequence numbers", SEQUENCE_NUMBERS(3)],
  ["offsets", OFFSETS(0)],
  ["wide ones", new SparsePositions(0n, 1_000_000)],
];

test.each([["counted", COUNTED] as const, ...sparse])("%s ascend, and each names its index", (_, positions) => {
  const names = INDEXES.map((index) => positions.nameOf(index));
  for (const index of INDEXES) {
    expect(positions.from(names[index]!)).toBe(index);
    expect(positions.behind(names[index]!)).toBe(index + 1);
    if (index > 0) expect(comparePositions(names[index - 1]!, names[index]!)).toBeLessThan(0);
  }
  expect(comparePositions(names[7]!, names[7]!)).toBe(0);
});

test.each(sparse)("%s have holes, and a position in a hole is before the next message", (_, positions) => {
  const values = INDEXES.map((index) => BigInt(positions.nameOf(index)));
  const distances = new Set(values.slice(1).map((value, index) => value - values[index]!));
  expect(distances.size).toBeGreaterThan(1);
  for (const index of INDEXES.slice(1)) {
    const distance = values[index]! - values[index - 1]!;
    // One that belongs to the same partition.
    const unit = positions === sparse[0]![1] ? 1_000_000n : 1n;
    if (distance === unit) continue;
    const hole = String(values[index]! - unit);
    expect(positions.from(hole)).toBe(index);
    expect(positions.behind(hole)).toBe(index);
  }
  expect(positions.areCounted).toBe(false);
});

test("what lies before the first position, or far behind the last one, has an index too", () => {
  const positions = OFFSETS(0);
  expect(positions.from("0")).toBe(0);
  expect(positions.behind("0")).toBe(0);
  expect(positions.from("9".repeat(64))).toBeGreaterThan(Number.MAX_SAFE_INTEGER - 1);
});

test("a sequence number has 56 digits and belongs to its shard; an offset is greater than a double can hold", () => {
  expect(SEQUENCE_NUMBERS(12).nameOf(0)).toMatch(/^49\d{54}$/);
  expect(() => SEQUENCE_NUMBERS(12).from(SEQUENCE_NUMBERS(11).nameOf(0))).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  expect(BigInt(OFFSETS(0).nameOf(0))).toBeGreaterThanOrEqual(2n ** 53n);
});

test.each(["", "-1", "01", "1.5", "x", "1".repeat(65)])("%j is no position", (text) => {
  for (const [, positions] of sparse) expect(() => positions.from(text)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  expect(() => comparePositions(text, "1")).toThrow(expect.objectContaining({ code: "invalid-argument" }));
});
