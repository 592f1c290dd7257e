import { expect, test } from "vitest";
import { summarize, summarizePromises } from "../../../src/conformance/index.ts";
import { aReport } from "./a-report.ts";

const reports = [
  aReport("a", "passed", { promise: 8 }),
  aReport("b", "failed", { promise: 2, reason: "lost" }),
  aReport("c", "environment-missing", { promise: 8, reason: "fault stall" }),
  aReport("d", "unsupported", { promise: 11, capability: "tombstones" }),
];

test("results are counted, in all and by promise", () => {
  expect(summarize("memory", reports)).toEqual({ provider: "memory", passed: 1, failed: 1, unsupported: 1, missing: 1 });
  expect(summarizePromises(reports)).toEqual([
    { promise: 2, passed: 0, failed: 1, unsupported: 0, missing: 0 },
    { promise: 8, passed: 1, failed: 0, unsupported: 0, missing: 1 },
    { promise: 11, passed: 0, failed: 0, unsupported: 1, missing: 0 },
  ]);
});
