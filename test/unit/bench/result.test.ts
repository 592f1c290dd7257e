import { expect, test } from "vitest";
import { calibrationFactor, hashNanoseconds } from "../../bench/calibration.ts";
import { type Bar, isWithinControl, median, verdictOf, worstRatio } from "../../bench/result.ts";
import { ArrivalCheck, workload } from "../../bench/workload.ts";
import { bytesCheck, countCheck } from "../../long/soak-result.ts";
import type { Message } from "../../../src/index.ts";

const bar: Bar = { name: "CPU", value: 1, better: "lower", must: 1.5, aim: 0.8, pairs: 11 };

test("a bar is missed, reached, or its aim is; which way is better is part of it", () => {
  expect([2, 1.5, 0.8].map((value) => verdictOf({ ...bar, value }))).toEqual(["missed", "must", "aim"]);
  expect([0.9, 0.95, 1].map((value) => verdictOf({ ...bar, better: "higher", must: 0.95, aim: 1, value }))).toEqual([
    "missed",
    "must",
    "aim",
  ]);
});

test("the control has bounds, both ways", () => {
  expect([0.969, 0.97, 1, 1.03, 1.031].map(isWithinControl)).toEqual([false, true, true, true, false]);
  expect(worstRatio([1.01, 0.9, 1.05])).toBe(0.9);
});

test("a median is the middle one, or between the two", () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

test("figures are stated for a machine that hashes in 21 ns", () => {
  expect(calibrationFactor(21)).toBe(1);
  expect(calibrationFactor(42)).toBe(0.5);
  expect(hashNanoseconds()).toBeGreaterThan(0);
});

test("arrivals are checked for order per key; a second arrival counts once", () => {
  const messages = workload(2_000).map((message) => message as unknown as Message<Uint8Array>);
  const inOrder = new ArrivalCheck(2_000);
  for (const message of [...messages, ...messages]) inOrder.add(message);
  expect(inOrder).toMatchObject({ arrived: 2_000, inversions: 0 });
  const reversed = new ArrivalCheck(2_000);
  for (const message of messages.toReversed()) reversed.add(message);
  expect(reversed).toMatchObject({ arrived: 2_000, inversions: 2_000 - 512 });
});

test("a soak check holds up to its bound", () => {
  expect([1, 2, 3].map((bytes) => bytesCheck("held", bytes, 2).holds)).toEqual([true, true, false]);
  expect([1, 2].map((count) => countCheck("handled", count, 2).holds)).toEqual([false, true]);
});
