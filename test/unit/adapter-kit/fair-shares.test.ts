import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fairShares } from "../../../src/adapter-kit/index.ts";

/** The owner of each partition. */
function ownersIn<Member>(owned: ReadonlyMap<Member, readonly string[]>, partitions: readonly string[]): Map<string, Member> {
  return new Map([...fairShares(owned, partitions)].flatMap(([member, ids]) => ids.map((id) => [id, member] as const)));
}

test("everything is owned, evenly, and as few partitions as possible move", () => {
  const partition = fc.integer({ min: 0, max: 30 }).map(String);
  fc.assert(
    fc.property(
      fc.uniqueArray(partition, { minLength: 1 }),
      fc.integer({ min: 1, max: 6 }),
      fc.infiniteStream(fc.nat()),
      (partitions, count, random) => {
        const owned = new Map(Array.from({ length: count }, (_, member) => [member, [] as string[]]));
        for (const id of partitions) {
          const owner = random.next().value % (count + 1);
          if (owner < count) owned.get(owner)!.push(id);
        }
        const target = ownersIn(owned, partitions);
        expect([...target.keys()].toSorted()).toEqual(partitions.toSorted());
        const sizes = [...owned.keys()].map((member) => [...target.values()].filter((owner) => owner === member).length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const least = Math.floor(partitions.length / count);
        for (const [member, had] of owned) {
          const kept = had.filter((id) => target.get(id) === member).length;
          expect(kept).toBeGreaterThanOrEqual(Math.min(had.length, least));
        }
      },
    ),
  );
});

test("the first and the second member share; in an empty group no partition is owned", () => {
  expect(ownersIn(new Map(), ["0"])).toEqual(new Map());
  expect(
    ownersIn(
      new Map([
        ["a", ["0", "1", "2", "3"]],
        ["b", []],
      ]),
      ["0", "1", "2", "3"],
    ),
  ).toEqual(
    new Map([
      ["0", "a"],
      ["1", "a"],
      ["2", "b"],
      ["3", "b"],
    ]),
  );
});
