import { expect, test } from "vitest";
import { comparePackedPositions, firstPosition, packedPosition, recordStart } from "../../../src/envelope/index.ts";

const compareRecords = (a: string, b: string): number => (BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0);
const compare = (a: string, b: string): number => Math.sign(comparePackedPositions(a, b, compareRecords));

test("messages of a record are in order, and the whole record is behind them", () => {
  const inOrder = ["9", "10/0", "10/1", "10/2", "10/10", "10/100", "10", "11/0", "11", "12", "9007199254740993/7", "9007199254740994"];
  for (const [indexOfA, a] of inOrder.entries()) {
    for (const [indexOfB, b] of inOrder.entries()) expect(compare(a, b), `${a} and ${b}`).toBe(Math.sign(indexOfA - indexOfB));
  }
});

test("a record of one message has the service's own position", () => {
  expect(packedPosition("7", 0, 1)).toBe("7");
  expect([0, 1, 2].map((index) => packedPosition("7", index, 3))).toEqual(["7/0", "7/1", "7/2"]);
  expect(firstPosition("7")).toBe("7/0");
});

test("a place within a record starts at the record, and leaves out what is before it", () => {
  expect(recordStart({ kind: "at", position: "7/3" })).toEqual({ record: "7", isInclusive: true, firstIndex: 3 });
  expect(recordStart({ kind: "after", position: "7/3" })).toEqual({ record: "7", isInclusive: true, firstIndex: 4 });
  expect(recordStart({ kind: "at", position: "7" })).toEqual({ record: "7", isInclusive: true, firstIndex: 0 });
  expect(recordStart({ kind: "after", position: "7" })).toEqual({ record: "7", isInclusive: false, firstIndex: 0 });
});

test("starting behind each message of packed records hands out exactly the following ones", () => {
  const log = [1, 3, 1, 2].flatMap((count, at) => Array.from({ length: count }, (_, index) => ({ record: String(at), index, count })));
  const positions = log.map(({ record, index, count }) => packedPosition(record, index, count));
  for (const kind of ["at", "after"] as const) {
    for (const position of [...positions, "1", "3"]) {
      const start = recordStart({ kind, position });
      const read = log.filter(({ record, index }) => {
        const order = compareRecords(record, start.record);
        return order > 0 || (order === 0 && start.isInclusive && index >= start.firstIndex);
      });
      const isWhole = !positions.includes(position);
      const expected = positions.filter((each) =>
        kind === "after"
          ? compare(each, position) > 0
          : isWhole
            ? compare(each, firstPosition(position)) >= 0
            : compare(each, position) >= 0,
      );
      expect(
        read.map(({ record, index, count }) => packedPosition(record, index, count)),
        `${kind} ${position}`,
      ).toEqual(expected);
    }
  }
});

test.each(["7/", "7/x", "7/01", "7/-1", "7/1.5", "7/1234567890", "7/ 1", "7/1e3"])("the position %s is malformed", (position) => {
  const refusal = expect.objectContaining({ code: "invalid-argument" });
  expect(() => compare(position, "7")).toThrow(refusal);
  expect(() => compare("7/0", position)).toThrow(refusal);
  expect(() => recordStart({ kind: "at", position })).toThrow(refusal);
});
