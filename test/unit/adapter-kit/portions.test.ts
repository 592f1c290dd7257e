import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Portions } from "../../../src/adapter-kit/index.ts";
import type { Fetched } from "../../../src/adapter-kit/index.ts";
import type { StoredRecord, UnreadableRange } from "../../../src/driver/index.ts";
import { record } from "../consume/fake-driver.ts";

/** What a record of the service holds: messages of so many bytes, or nothing that can be read. */
type Content = readonly number[] | "unreadable";

const MOST = 100;
const pages = fc.array(fc.oneof(fc.constant<Content>("unreadable"), fc.array(fc.nat(150), { maxLength: 5 })), { maxLength: 20 });

/** A message without bytes counts as one. */
function sizeOf(records: readonly StoredRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + Math.max(bytes, 1), 0);
}

function rangeAt(position: number): UnreadableRange {
  return { first: String(position), last: String(position), reason: "damaged", cause: null };
}

/** Every record with room for ten messages, and its own position behind them. */
function portionsOf(page: readonly Content[]): readonly Fetched[] {
  const portions = new Portions(MOST);
  for (const [index, content] of page.entries()) {
    if (content === "unreadable") {
      portions.unreadable(rangeAt(index * 10));
      continue;
    }
    portions.add(content.map((bytes, number) => record(index * 10 + number, null, { bytes })));
    portions.through(String(index * 10 + 9), true);
  }
  return portions.finish();
}

test("everything comes once and in order, in portions of about so many bytes", () => {
  fc.assert(
    fc.property(pages, (page) => {
      const found = portionsOf(page);
      const expected = page.flatMap((content, index) =>
        content === "unreadable" ? [`unreadable ${index * 10}`] : content.map((_, number) => `record ${index * 10 + number}`),
      );
      const seen = found.flatMap((part) => {
        if (part.kind === "records") return part.records.map(({ position }) => `record ${position}`);
        return part.kind === "unreadable" ? [`unreadable ${part.range.first}`] : [];
      });
      expect(seen).toEqual(expected);
      for (const part of found) {
        if (part.kind !== "records") continue;
        expect(part.records.length).toBeGreaterThan(0);
        if (part.records.length > 1) expect(sizeOf(part.records)).toBeLessThanOrEqual(MOST);
      }
      // As few portions as the bound allows: what begins the next one had no room.
      for (const [index, part] of found.entries()) {
        const next = found[index + 1];
        if (part.kind !== "records" || next?.kind !== "records") continue;
        expect(sizeOf([...part.records, next.records[0]!])).toBeGreaterThan(MOST);
      }
    }),
    { numRuns: 500, seed: 14 },
  );
});

test("behind the messages of the last record its own position is named, where none of them has it", () => {
  fc.assert(
    fc.property(pages, (page) => {
      const last = page.at(-1);
      const named = portionsOf(page).flatMap((part) => (part.kind === "advanced" ? [part.through] : []));
      // Behind an unreadable record nothing is named: its range ends with it.
      expect(named).toEqual(last === undefined || last === "unreadable" ? [] : [String(page.length * 10 - 1)]);
    }),
    { numRuns: 500, seed: 14 },
  );
  const single = new Portions(MOST);
  single.through("9", true);
  single.add([record(10)]);
  single.through("10", false);
  expect(single.finish()).toEqual([{ kind: "records", records: [record(10)] }]);
});

test("an empty page is empty, and a record without messages is passed", () => {
  expect(portionsOf([])).toEqual([]);
  expect(portionsOf([[]])).toEqual([{ kind: "advanced", through: "9" }]);
});
