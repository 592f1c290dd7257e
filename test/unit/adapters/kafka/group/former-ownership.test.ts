import { expect, test } from "vitest";
import { FormerOwnership, consistentAhead } from "../../../../../adapters/kafka/group/former-ownership.ts";
import type { CommittedPlace } from "../../../../../adapters/kafka/group/group-offsets.ts";
import type { Assignment } from "../../../../../src/driver/index.ts";

const ASSIGNMENT: Assignment = {
  partition: "0",
  identity: { cluster: "c", topic: "orders", incarnation: "i" },
  start: { kind: "at", position: "5" },
  epoch: "3",
  ahead: null,
  resumes: null,
};

function placeOf(offset: bigint, leaderEpoch: number, metadata: string, note: string | null = "n"): CommittedPlace {
  return { offset, leaderEpoch, note, ahead: null, stored: { offset, leaderEpoch, metadata } };
}

test("an ownership is resumed only at exactly what it has stored: offset, epoch, and text with its note", () => {
  const commits = [
    { offset: 5n, leaderEpoch: 2, metadata: "a" },
    { offset: 9n, leaderEpoch: 2, metadata: "b" },
  ];
  const former = new FormerOwnership(ASSIGNMENT, commits, []);
  expect(former.isAt(placeOf(5n, 2, "a"))).toBe(true);
  expect(former.isAt(placeOf(9n, 2, "b"))).toBe(true);
  expect(former.isAt(placeOf(5n, 2, "b"))).toBe(false);
  expect(former.isAt(placeOf(6n, 2, "a"))).toBe(false);
  expect(former.isAt(placeOf(5n, 1, "a"))).toBe(false);
  expect(former.isAt(placeOf(5n, 2, "a", null))).toBe(false);
});

test("what is stored is cut where the former ownership has read another log", () => {
  const epochs = [
    { leaderEpoch: 1, endOffset: 20n },
    { leaderEpoch: 2, endOffset: 30n },
  ];
  const ahead = { upTo: 19, except: [0, 4, 11], epochs };
  expect(consistentAhead(10n, null, epochs)).toBeNull();
  expect(consistentAhead(10n, ahead, [...epochs, { leaderEpoch: 7, endOffset: 99n }])).toEqual(ahead);
  const cutAt = (end: bigint) =>
    consistentAhead(10n, ahead, [
      { leaderEpoch: 1, endOffset: end },
      { leaderEpoch: 5, endOffset: 99n },
    ]);
  expect(cutAt(20n)).toMatchObject({ upTo: 9, except: [0, 4] });
  expect(cutAt(22n)).toMatchObject({ upTo: 9, except: [0, 4] });
  expect(cutAt(15n)).toMatchObject({ upTo: 3, except: [0] });
  expect(cutAt(11n)).toBeNull();
  // Nothing is known of the rest.
  expect(consistentAhead(10n, ahead, [{ leaderEpoch: 1, endOffset: 18n }])).toMatchObject({ upTo: 7, except: [0, 4] });
});
