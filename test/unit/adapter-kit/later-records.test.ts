import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Fetched, laterRecords, madeNow } from "../../../src/adapter-kit/index.ts";
import { record } from "../consume/fake-driver.ts";

const MOST = 100;
/** As many as are handled in a turn of the event loop. */
const MOST_RECORDS = 1_000;

/** A page whose records have so many bytes, and which of them were made. */
function pageOf(sizes: readonly number[]) {
  const made: number[] = [];
  const recordsOf = (from: number, to: number) =>
    sizes.slice(from, to).map((bytes, index) => {
      made.push(from + index);
      return record(from + index, null, { bytes });
    });
  return { made, page: { length: sizes.length, bytesOf: (index: number) => sizes[index]!, recordsOf } };
}

function recordsIn(found: Fetched) {
  if (found.kind !== "records") throw new Error(`${found.kind} instead of records`);
  return found.records;
}

test("everything from the first record on comes once and in order, in portions of about so many bytes, as few as these allow", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(150), { maxLength: 40 }), fc.nat(2), (sizes, from) => {
      const portions = [...laterRecords(pageOf(sizes).page, from, MOST)].map((later) => recordsIn(madeNow(later)));
      expect(portions.flat().map(({ position }) => position)).toEqual(sizes.map((_, index) => String(index)).slice(from));
      for (const [index, portion] of portions.entries()) {
        const bytes = portion.reduce((sum, one) => sum + one.bytes, 0);
        expect(portion.length).toBeGreaterThan(0);
        if (portion.length > 1) expect(bytes).toBeLessThanOrEqual(MOST);
        const next = portions[index + 1]?.[0];
        if (next !== undefined) expect(bytes + next.bytes).toBeGreaterThan(MOST);
      }
    }),
  );
});

test("no more records come at once than are handled in a turn", () => {
  const { page } = pageOf(Array.from({ length: 2 * MOST_RECORDS + 1 }, () => 0));
  expect([...laterRecords(page, 0, MOST)].map((later) => recordsIn(later()).length)).toEqual([MOST_RECORDS, MOST_RECORDS, 1]);
});

test("records are made when it is their turn; other answers are there already", () => {
  const { page, made } = pageOf([60, 60, 60]);
  const [first, second] = laterRecords(page, 0, MOST);
  expect(made).toEqual([]);
  madeNow(second!);
  expect(made).toEqual([1]);
  madeNow(first!);
  expect(made).toEqual([1, 0]);
  const answer = { kind: "advanced", through: "7" } as const;
  expect(madeNow(answer)).toBe(answer);
});
