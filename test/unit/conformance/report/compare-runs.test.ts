import { expect, test } from "vitest";
import { compareRuns, differenceAsText } from "../../../../src/conformance/index.ts";
import { aReport } from "../a-report.ts";

const before = [
  aReport("a/same", "passed", { seconds: 1 }),
  aReport("b/mended", "failed", { reason: "lost" }),
  aReport("c/still-failing", "failed", { reason: "topic case-1 lost 2" }),
  aReport("d/other-fault", "environment-missing", { reason: "fault stall" }),
  aReport("e/other-capability", "unsupported", { capability: "partitions", reason: "off" }),
  aReport("f/gone", "passed"),
];
const after = [
  aReport("new/first", "passed"),
  aReport("a/same", "passed", { seconds: 9, provider: "kafka" }),
  aReport("b/mended", "passed"),
  aReport("c/still-failing", "failed", { reason: "topic case-2 lost 7" }),
  aReport("d/other-fault", "environment-missing", { reason: "topics: none" }),
  aReport("e/other-capability", "unsupported", { capability: "tombstones", reason: "off" }),
];

test("every kind of difference is reported, and nothing else", () => {
  expect(compareRuns(before, after).map((difference) => differenceAsText(difference))).toEqual([
    "b/mended: failed (lost) → passed",
    "d/other-fault: environment-missing (fault stall) → environment-missing (topics: none)",
    "e/other-capability: unsupported (partitions) → unsupported (tombstones)",
    "f/gone: passed → not there",
    "new/first: not there → passed",
  ]);
});

test("a run does not differ from itself, in whatever order", () => {
  expect(compareRuns(before, before.toReversed())).toEqual([]);
});
