import { expect, test } from "vitest";
import type { CaseResult } from "../../../src/conformance/case.ts";
import { type CaseReport, compareWithExpected, runCases, staleEntries, summarize } from "../../../src/conformance/index.ts";
import type { RunnableCase } from "../../../src/conformance/index.ts";
import type { ConformanceTarget } from "../../../src/conformance/target.ts";
import { openMemory } from "../../../adapters/memory/index.ts";
import { connect } from "../../../src/connect.ts";

const target: ConformanceTarget = { connect: async () => connect(openMemory("memory:")) };
const PASSED: CaseResult = { result: "passed", reason: null, seconds: 0 };

function aCase(name: string, run: (signal: AbortSignal) => Promise<CaseResult> = async () => PASSED, exclusive = false): RunnableCase {
  return { name, promise: 1, mutant: "none", exclusive, run: async (_, signal) => run(signal) };
}

test("reports come in the order of the cases, whatever finishes first", async () => {
  const slow = aCase("slow", async () => {
    await new Promise((resolve) => void setTimeout(resolve, 10));
    return PASSED;
  });
  const seen: string[] = [];
  const reports = await runCases([slow, aCase("quick")], target, { onResult: (report) => seen.push(report.case) });
  expect(reports.map((report) => report.case)).toEqual(["slow", "quick"]);
  expect(seen).toEqual(["quick", "slow"]);
  expect(reports[0]).toMatchObject({ provider: "memory", promise: 1, result: "passed", capability: null });
});

test("at most so many at once, and an exclusive case alone", async () => {
  let running = 0;
  let highest = 0;
  let besides = -1;
  const counted = async (): Promise<CaseResult> => {
    running += 1;
    highest = Math.max(highest, running);
    await new Promise((resolve) => void setTimeout(resolve, 2));
    running -= 1;
    return PASSED;
  };
  const alone = async (): Promise<CaseResult> => {
    besides = running;
    return counted();
  };
  const many = Array.from({ length: 9 }, (_, index) => aCase(`case-${index}`, counted));
  await runCases([aCase("alone", alone, true), ...many], target, { parallel: 3 });
  expect(highest).toBe(3);
  expect(besides).toBe(0);
});

test("a target whose topics are lent runs one case at a time", async () => {
  let running = 0;
  let highest = 0;
  const counted = async (): Promise<CaseResult> => {
    running += 1;
    highest = Math.max(highest, running);
    await new Promise((resolve) => void setImmediate(resolve));
    running -= 1;
    return PASSED;
  };
  await runCases([aCase("a", counted), aCase("b", counted)], { ...target, topics: ["t"] });
  expect(highest).toBe(1);
});

test("a case past its time is told by its signal", async () => {
  const [report] = await runCases(
    [
      aCase("hangs", async (signal) => {
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
        return { result: "failed", reason: String(signal.reason), seconds: 0 };
      }),
    ],
    target,
    { timeoutMs: 10 },
  );
  expect(report?.reason).toContain("took more than 10 ms");
});

test("patterns choose by path; one that chooses nothing is an error", async () => {
  const cases = ["a/b/one", "a/b/two", "a/c/one", "d"].map((name) => aCase(name));
  const chosen = async (...run: string[]): Promise<readonly string[]> =>
    (await runCases(cases, target, { run })).map((report) => report.case);
  expect(await chosen("a/*/one")).toEqual(["a/b/one", "a/c/one"]);
  expect(await chosen("a/**")).toEqual(["a/b/one", "a/b/two", "a/c/one"]);
  expect(await chosen("d", "a/b/t*")).toEqual(["a/b/two", "d"]);
  await expect(chosen("a/*")).rejects.toMatchObject({ code: "invalid-argument" });
});

test("an abort starts no more cases and rejects with its reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const first = aCase("first", async () => {
    controller.abort(reason);
    return PASSED;
  });
  let started = false;
  const second = aCase("second", async () => {
    started = true;
    return PASSED;
  });
  await expect(runCases([first, second], target, { parallel: 1, signal: controller.signal })).rejects.toBe(reason);
  expect(started).toBe(false);
});

const report = (name: string, result: CaseResult["result"], more: Partial<CaseReport> = {}): CaseReport => ({
  case: name,
  promise: 1,
  provider: "memory",
  result,
  reason: null,
  capability: null,
  seconds: 0,
  ...more,
});

test("a run passes completely when it shows exactly what is listed", () => {
  const reports = [
    report("fine", "passed"),
    report("off", "unsupported", { capability: "tombstones" }),
    report("no-fault", "environment-missing", { reason: "fault stall" }),
    report("known", "failed", { reason: "the server does that" }),
  ];
  const expected = {
    unsupported: { off: "tombstones" },
    missing: { "no-fault": "fault stall" },
    deviations: { known: "the server does that" },
  };
  expect(compareWithExpected(reports, expected)).toEqual([]);
  expect(summarize("memory", reports)).toEqual({ provider: "memory", passed: 1, failed: 1, unsupported: 1, missing: 1 });
  expect(compareWithExpected([report("fine", "failed", { reason: "lost" })], expected)).toEqual([
    "fine: expected passed, but failed (lost)",
  ]);
  expect(compareWithExpected([report("off", "passed")], expected)).toEqual(["off: expected unsupported (tombstones), but passed"]);
  expect(compareWithExpected([report("known", "passed")], expected)).toEqual(["known: listed as a known deviation, but passed"]);
  expect(staleEntries([{ name: "off" }, { name: "known" }], expected)).toEqual(["no-fault"]);
});
