import { expect, test } from "vitest";
import { OrderCheck } from "../../../../src/migration/verify/order-check.ts";

interface Occurrence {
  readonly key: Uint8Array;
  readonly ordinal: number;
}

/** Reads them once, and then as often as it takes. */
function outOfOrder(
  check: OrderCheck,
  occurrences: readonly Occurrence[],
): { readonly found: readonly number[]; readonly readings: number } {
  for (const { key, ordinal } of occurrences) expect(check.isInOrder("0", ordinal, "7", { key })).toBe(true);
  const found: number[] = [];
  let readings = 0;
  for (; check.beginReading(); readings += 1) {
    for (const { key, ordinal } of occurrences) if (!check.isKeyInOrder("0", ordinal, key)) found.push(ordinal);
  }
  return { found, readings };
}

const keys = Array.from({ length: 50 }, (_, index) => Buffer.from(`key-${index}`));

test("where lanes are keys, keys that lie in wrong order are found, in as many readings as there is room for keys", () => {
  const occurrences = keys.flatMap((key, index) => [4, 2, 3, 1].map((place) => ({ key, ordinal: index * 4 + place })));
  const expected = keys.flatMap((_, index) => [2, 3, 1].map((place) => index * 4 + place));
  expect(outOfOrder(new OrderCheck("key", true), occurrences)).toEqual({ found: expected, readings: 1 });
  const { found, readings } = outOfOrder(new OrderCheck("key", true, 8), occurrences);
  expect(found.toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b));
  expect(readings).toBe(7);
});

test("where lanes are keys, other keys in between are no disorder", () => {
  const occurrences = [3, 1, 2, 0].flatMap((key) => [1, 5].map((round) => ({ key: keys[key]!, ordinal: round * 10 + key })));
  expect(outOfOrder(new OrderCheck("key", true), occurrences).found).toEqual([]);
});

test("where lanes are partitions, each pair of a source and a target partition is a sequence", () => {
  const check = new OrderCheck("partition", true);
  const key = keys[0]!;
  expect([
    check.isInOrder("0", 2, "a", { key }),
    check.isInOrder("0", 1, "b", { key }),
    check.isInOrder("1", 1, "a", { key }),
    check.isInOrder("0", 3, "a", { key: null }),
    check.isInOrder("0", 3, "a", { key }),
    check.isInOrder("0", 2, "b", { key }),
  ]).toEqual([true, true, true, true, false, true]);
  expect(check.beginReading()).toBe(false);
});

test.for([true, false])(
  "where lanes are keys, messages without a key are compared if their partition was chosen: %s",
  (choosesPartition, { expect: check }) => {
    const order = new OrderCheck("key", choosesPartition);
    const key = null;
    check([
      order.isInOrder("0", 1, "a", { key }),
      order.isInOrder("0", 3, "a", { key }),
      order.isInOrder("0", 2, "b", { key }),
      order.isInOrder("0", 2, "a", { key }),
    ]).toEqual([true, true, true, !choosesPartition]);
    check(order.beginReading()).toBe(false);
  },
);
