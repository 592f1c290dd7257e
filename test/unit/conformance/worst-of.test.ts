import { expect, test } from "vitest";
import { worstOf } from "../../../src/conformance/runner.ts";
import { aReport } from "./a-report.ts";

const passed = aReport("a", "passed", { seconds: 1 });
const failed = aReport("a", "failed", { reason: "lost", seconds: 3 });
const missing = aReport("a", "environment-missing", { reason: "fault stall", seconds: 2 });

test("a single run is reported unchanged", () => {
  for (const run of [passed, failed, missing]) expect(worstOf([run])).toEqual(run);
});

test("runs with the same result are reported as one, with the longest time; failures are counted always", () => {
  expect(worstOf([passed, { ...passed, seconds: 7 }])).toEqual({ ...passed, seconds: 7 });
  expect(worstOf([missing, missing])).toEqual(missing);
  expect(worstOf([failed, { ...failed, reason: "twice" }])).toEqual({ ...failed, reason: "in 2 of 2 runs: lost" });
});

test("the worst result is reported, with the number of its runs", () => {
  expect(worstOf([passed, failed, missing, failed])).toEqual({ ...failed, reason: "in 2 of 4 runs: lost" });
  expect(worstOf([passed, missing])).toEqual({ ...missing, reason: "in 1 of 2 runs: fault stall" });
});
