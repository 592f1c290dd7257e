import { expect, test } from "vitest";
import { providerErrors, requireNames, startPlaces } from "../../../src/adapter-kit/index.ts";
import type { PartitionPlace, StartPoint } from "../../../src/driver/index.ts";

const ERRORS = providerErrors("p");
/** 0 was split into 2 and 3, 3 and 1 were merged into 4. */
const topic = {
  topic: "orders",
  partitions: [
    { partition: "0", parents: ["gone"] },
    { partition: "1", parents: [] },
    { partition: "2", parents: ["0"] },
    { partition: "3", parents: ["0"] },
    { partition: "4", parents: ["3", "1"] },
  ],
};
const at: PartitionPlace = { kind: "at", position: "7" };
const places = (...listed: [string, PartitionPlace][]): StartPoint => ({ kind: "places", places: new Map(listed) });
const asked = (start: StartPoint): unknown[] =>
  [...startPlaces(topic, start, ERRORS).values()].map((place) => ("position" in place ? place.position : place.kind));

test.each([{ kind: "earliest" }, { kind: "latest" }, { kind: "timestamp", timestampMs: 5 }] as const)(
  "$kind is asked for in each partition",
  (start) => {
    expect([...startPlaces(topic, start, ERRORS)]).toEqual(["0", "1", "2", "3", "4"].map((partition) => [partition, start]));
  },
);

test("ancestors of a listed partition had been read before; the others that are not listed are younger, and start at their beginning", () => {
  expect(asked(places(["4", at]))).toEqual(["ended", "ended", "earliest", "ended", "7"]);
  expect(asked(places(["2", at], ["1", { kind: "ended" }]))).toEqual(["ended", "ended", "7", "earliest", "earliest"]);
  expect(asked(places())).toEqual(Array.from({ length: 5 }, () => "earliest"));
});

test("a listed ancestor keeps its own place", () => {
  expect(asked(places(["0", at], ["4", { kind: "latest" }]))).toEqual(["7", "ended", "earliest", "ended", "latest"]);
});

test("with a position, the other partitions are treated as with places", () => {
  expect(asked({ kind: "position", partition: "3", place: { kind: "after", position: "9" } })).toEqual([
    "ended",
    "earliest",
    "earliest",
    "9",
    "earliest",
  ]);
});

test("unknown partitions are refused with those that exist", () => {
  const refused = expect.objectContaining({
    code: "invalid-argument",
    message: expect.stringMatching(/"8".*"0", "1", "2", "3", "4"/) as string,
  });
  expect(() => asked(places(["8", at]))).toThrow(refused);
  expect(() => asked({ kind: "position", partition: "8", place: { kind: "at", position: "1" } })).toThrow(refused);
  expect(() => requireNames(topic, ["0", "8"], ERRORS)).toThrow(refused);
  expect(() => requireNames(topic, ["0"], ERRORS)).not.toThrow();
});
