import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SubscribedMember, assignPartitions } from "../../../../../adapters/kafka/group/assignor.ts";

function member(memberId: string, owned: readonly number[] = [], partitionCount = 6, topic = "orders", generation = 1): SubscribedMember {
  return { memberId, topic, partitionCount, owned, generation };
}

/** The partitions by member, for comparisons. */
function sharesOf(members: readonly SubscribedMember[]): Record<string, readonly number[]> {
  return Object.fromEntries([...assignPartitions(members)].map(([memberId, { partitions }]) => [memberId, partitions]));
}

function isMoving(members: readonly SubscribedMember[]): boolean {
  return [...assignPartitions(members).values()].some(({ moving }) => moving);
}

describe("an assignment", () => {
  test("one member gets all partitions, at once", () => {
    expect(sharesOf([member("a")])).toEqual({ a: [0, 1, 2, 3, 4, 5] });
    expect(isMoving([member("a")])).toBe(false);
  });

  test("partitions without an owner are assigned at once, evenly", () => {
    expect(sharesOf([member("a"), member("b"), member("c"), member("d")])).toEqual({ a: [0, 1], b: [2, 3], c: [4], d: [5] });
  });

  test("a partition that moves is assigned to no member until its owner has released it", () => {
    const first = [member("a", [0, 1, 2, 3, 4, 5]), member("b")];
    expect(sharesOf(first)).toEqual({ a: [0, 1, 2], b: [] });
    expect(isMoving(first)).toBe(true);
    const second = [member("a", [0, 1, 2]), member("b")];
    expect(sharesOf(second)).toEqual({ a: [0, 1, 2], b: [3, 4, 5] });
    expect(isMoving(second)).toBe(false);
  });

  test("the member with the most partitions keeps the larger share", () => {
    expect(sharesOf([member("a", [4], 5), member("b", [0, 1, 2, 3], 5)])).toEqual({ a: [4], b: [0, 1, 2] });
  });

  test("with more members than partitions, the other members get none", () => {
    expect(sharesOf([member("a", [], 1), member("b", [0], 1), member("c", [], 1)])).toEqual({ a: [], b: [0], c: [] });
  });

  test("members of two topics in one group get partitions of their own topic", () => {
    const shares = sharesOf([member("a", [], 3, "orders"), member("b", [], 2, "flights"), member("c", [], 3, "orders")]);
    expect(shares).toEqual({ a: [0, 1], b: [0, 1], c: [2] });
  });

  test("all partitions that a member knows are assigned, although others have not seen the added ones", () => {
    expect(sharesOf([member("a", [0, 1], 2), member("b", [], 5)])).toEqual({ a: [0, 1, 2], b: [3, 4] });
  });

  test("if two members claim a partition, the later owner keeps it, and the other one does not get it", () => {
    const claims = [member("a", [0, 1], 2, "orders", 3), member("b", [1], 2, "orders", 7)];
    expect(sharesOf(claims)).toEqual({ a: [0], b: [1] });
  });

  test("in any history of joins and leaves, no partition has two owners or is idle for more than two rebalances, and shares are even", () => {
    const step = fc.record({ kind: fc.constantFrom("join", "leave"), pick: fc.nat(20) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 13 }), fc.array(step, { maxLength: 12 }), (count, steps) => {
        let owned = new Map<string, readonly number[]>([["m0", []]]);
        let named = 1;
        let generation = 1;
        for (const { kind, pick } of steps) {
          if (kind === "join") owned.set(`m${named++}`, []);
          else if (owned.size > 1) owned.delete([...owned.keys()][pick % owned.size]!);
          for (let round = 0; round < 2; round += 1) {
            generation += 1;
            const joined = [...owned].map(([memberId, partitions]) => member(memberId, partitions, count, "orders", generation));
            const assigned = assignPartitions(joined);
            const holders = [...assigned].flatMap(([memberId, { partitions }]) => partitions.map((partition) => ({ memberId, partition })));
            expect(new Set(holders.map(({ partition }) => partition)).size).toBe(holders.length);
            for (const { memberId, partition } of holders) {
              // No member gets a partition that another one still owns.
              for (const [other, had] of owned) if (other !== memberId) expect(had).not.toContain(partition);
            }
            owned = new Map([...assigned].map(([memberId, { partitions }]) => [memberId, partitions]));
          }
          const sizes = [...owned.values()].map(({ length }) => length);
          expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test("a member that joins takes only its share from the others", () => {
    const before = new Map([
      ["a", [0, 1, 2]],
      ["b", [3, 4, 5]],
    ]);
    const shares = sharesOf([member("a", before.get("a")), member("b", before.get("b")), member("c")]);
    expect(shares).toEqual({ a: [0, 1], b: [3, 4], c: [] });
  });
});
