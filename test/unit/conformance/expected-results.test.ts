import { expect, test } from "vitest";
import { compareWithExpected, parseExpectedResults, staleEntries } from "../../../src/conformance/index.ts";
import { aReport } from "./a-report.ts";

test("a run passes completely when it shows exactly what is listed", () => {
  const reports = [
    aReport("fine", "passed"),
    aReport("off", "unsupported", { capability: "tombstones" }),
    aReport("no-fault", "environment-missing", { reason: "fault stall" }),
    aReport("known", "failed", { reason: "the server does that" }),
  ];
  const expected = {
    unsupported: { off: "tombstones" },
    missing: { "no-fault": "fault stall" },
    deviations: { known: "the server does that" },
  };
  expect(compareWithExpected(reports, expected)).toEqual([]);
  expect(compareWithExpected([aReport("fine", "failed", { reason: "lost" })], expected)).toEqual([
    "fine: expected passed, but failed (lost)",
  ]);
  expect(compareWithExpected([aReport("off", "passed")], expected)).toEqual(["off: expected unsupported (tombstones), but passed"]);
  expect(compareWithExpected([aReport("known", "passed")], expected)).toEqual(["known: listed as a known deviation, but passed"]);
  expect(staleEntries([{ name: "off" }, { name: "known" }], expected)).toEqual(["no-fault"]);
});

test("the JSON form: lists may be left out", () => {
  const none = { unsupported: {}, missing: {}, deviations: {} };
  expect(parseExpectedResults("{}")).toEqual(none);
  const missing = { "a/b": "fault stall" };
  expect(parseExpectedResults(JSON.stringify({ missing }))).toEqual({ ...none, missing });
});

test.each([
  ["{", /not JSON/],
  ["[]", /an object is needed/],
  ['{ "mising": {} }', /no list "mising"; allowed are unsupported, missing, deviations/],
  ['{ "missing": [] }', /missing must be an object/],
  ['{ "missing": { "a/b": 1 } }', /missing: the entry of "a\/b" must be a non-empty text/],
  ['{ "deviations": { "a/b": "" } }', /deviations: the entry of "a\/b"/],
  ['{ "missing": { "a/b": "topics" }, "deviations": { "a/b": "why" } }', /"a\/b" stands in more than one list/],
])("the JSON form: %s is refused", (text, message) => {
  expect(() => parseExpectedResults(text)).toThrow(
    expect.objectContaining({ code: "invalid-argument", message: expect.stringMatching(message) }),
  );
});

test("names that every object has are no entries", () => {
  expect(compareWithExpected([aReport("toString", "passed"), aReport("constructor", "passed")], parseExpectedResults("{}"))).toEqual([]);
});
