import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBookmark, encodeBookmark } from "../../../src/position/bookmark.ts";
import type { PartitionPlace } from "../../../src/position/place.ts";
import { encodePosition, sealBookmark } from "../../../src/position/position.ts";
import { IDENTITY } from "../replay/fake-log.ts";

const place = fc.oneof(
  fc.record({ kind: fc.constantFrom("at" as const, "after" as const), position: fc.string() }),
  fc.constantFrom<PartitionPlace>({ kind: "earliest" }, { kind: "latest" }, { kind: "ended" }),
  fc.record({ kind: fc.constant("timestamp" as const), timestampMs: fc.integer() }),
  fc.record({ kind: fc.constant("mark" as const), name: fc.string() }),
);
const entries = fc.uniqueArray(fc.tuple(fc.string(), place), { selector: ([partition]) => partition });

test("every place comes back, and the order of the map does not show", () => {
  fc.assert(
    fc.property(entries, (list) => {
      const token = encodeBookmark("fake", IDENTITY, new Map(list));
      expect(decodeBookmark(JSON.parse(JSON.stringify(token)), "fake", IDENTITY)).toEqual(new Map(list));
      expect(encodeBookmark("fake", IDENTITY, new Map(list.toReversed()))).toBe(token);
    }),
    { numRuns: 100, seed: 1 },
  );
});

test("an unpaired surrogate survives", () => {
  const places = new Map<string, PartitionPlace>([["\udc80", { kind: "at", position: "\ud800" }]]);
  expect(decodeBookmark(encodeBookmark("fake", IDENTITY, places), "fake", IDENTITY)).toEqual(places);
});

test("any cut or changed character is refused", () => {
  const token = encodeBookmark("fake", IDENTITY, new Map([["0", { kind: "at", position: "12" }]]));
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === "A" ? "B" : "A";
    for (const forged of [token.slice(0, at), token.slice(0, at) + other + token.slice(at + 1)]) {
      expect(() => decodeBookmark(forged, "fake", IDENTITY)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    }
  }
});

test.each([
  ["another provider", "other", IDENTITY, /provider "fake", not "other"/],
  ["another cluster", "fake", { ...IDENTITY, cluster: "cluster-2" }, /another cluster/],
  ["another topic", "fake", { ...IDENTITY, topic: "other" }, /topic "native-topic", not "other"/],
  ["a re-created topic", "fake", { ...IDENTITY, incarnation: "second" }, /deleted and created again/],
])("of %s: position-mismatch", (_, provider, identity, message) => {
  const token = encodeBookmark("fake", IDENTITY, new Map());
  expect(() => decodeBookmark(token, provider, identity)).toThrow(
    expect.objectContaining({ code: "position-mismatch", message: expect.stringMatching(message) }),
  );
});

test("a position given for a bookmark is recognised", () => {
  const token = encodePosition({ provider: "fake", ...IDENTITY, partition: "0", position: "1" });
  expect(() => decodeBookmark(token, "fake", IDENTITY)).toThrow("this is a position; a bookmark is needed here");
});

test.each<[string, unknown]>([
  ["not a list", {}],
  ["too short", ["fake", "cluster-1"]],
  ["entries that are none", ["fake", "cluster-1", "native-topic", "first", {}]],
  ["an unknown letter", ["fake", "cluster-1", "native-topic", "first", [["0", "?"]]]],
  ["a place without its position", ["fake", "cluster-1", "native-topic", "first", [["0", "@"]]]],
  ["a time that is none", ["fake", "cluster-1", "native-topic", "first", [["0", "t", "noon"]]]],
  [
    "a partition twice",
    [
      "fake",
      "cluster-1",
      "native-topic",
      "first",
      [
        ["0", "e"],
        ["0", "l"],
      ],
    ],
  ],
  ["a partition that is no text", ["fake", "cluster-1", "native-topic", "first", [[0, "e"]]]],
])("well sealed but %s: invalid-argument", (_, content) => {
  expect(() => decodeBookmark(sealBookmark(content), "fake", IDENTITY)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
});

test.each([undefined, null, 7, {}, "", "b1.", "b1..", "hello"])("%o is no bookmark", (token) => {
  expect(() => decodeBookmark(token, "fake", IDENTITY)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
});
