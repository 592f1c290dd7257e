import { expect, test } from "vitest";
import type { CaseResult } from "../../../src/conformance/case.ts";
import { type CaseReport, runCases } from "../../../src/conformance/index.ts";
import type { RunnableCase } from "../../../src/conformance/index.ts";
import type { ConformanceTarget } from "../../../src/conformance/target.ts";
import { openMemory } from "../../../adapters/memory/open.ts";
import { connect } from "../../../src/connect.ts";

const target: ConformanceTarget = { connect: async () => connect(openMemory("memory:")) };
const FAILED: CaseResult = { result: "failed", reason: "lost", seconds: 0 };
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

test("the signal of a case aborts after its time-out", async () => {
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

test("what an abort ended is not reported, because it has no result", async () => {
  const controller = new AbortController();
  const ended = aCase("ended", async (signal) => {
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
      controller.abort(new Error("enough"));
    });
    return FAILED;
  });
  const seen: CaseReport[] = [];
  const running = runCases([ended], target, { signal: controller.signal, onResult: (report) => seen.push(report) });
  await expect(running).rejects.toThrow("enough");
  expect(seen).toEqual([]);
});

test("a report can end the run: running cases are ended and dropped, and no more start", async () => {
  let ended = false;
  const hanging = aCase("hanging", async (signal) => {
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });
    ended = true;
    return FAILED;
  });
  const cases = [aCase("fine"), hanging, aCase("broken", async () => FAILED), aCase("never"), aCase("alone", async () => PASSED, true)];
  const seen: string[] = [];
  const reports = await runCases(cases, target, {
    parallel: 2,
    bail: ({ result }) => result === "failed",
    onResult: (report) => seen.push(report.case),
  });
  expect(reports.map((report) => `${report.case} ${report.result}`)).toEqual(["fine passed", "broken failed"]);
  expect(seen).toEqual(["fine", "broken"]);
  expect(ended).toBe(true);
});

test("repetitions run at the same time, and are reported once, as the worst of them", async () => {
  let running = 0;
  let highest = 0;
  let run = 0;
  const flaky = aCase("flaky", async () => {
    run += 1;
    const mine = run;
    running += 1;
    highest = Math.max(highest, running);
    await new Promise((resolve) => void setTimeout(resolve, 2));
    running -= 1;
    return mine % 2 === 0 ? { ...FAILED, seconds: mine } : { ...PASSED, seconds: mine };
  });
  const seen: CaseReport[] = [];
  const reports = await runCases([flaky, aCase("fine")], target, { repeat: 5, parallel: 10, onResult: (report) => seen.push(report) });
  expect(run).toBe(5);
  expect(highest).toBe(5);
  expect(reports).toEqual([
    expect.objectContaining({ case: "flaky", result: "failed", reason: "in 2 of 5 runs: lost", seconds: 5 }),
    expect.objectContaining({ case: "fine", result: "passed", reason: null }),
  ]);
  expect(seen.toSorted((a, b) => a.case.localeCompare(b.case))).toEqual([reports[1], reports[0]]);
});

test("exclusive cases are repeated one after the other", async () => {
  let running = 0;
  let highest = 0;
  const alone = aCase(
    "alone",
    async () => {
      running += 1;
      highest = Math.max(highest, running);
      await new Promise((resolve) => void setImmediate(resolve));
      running -= 1;
      return PASSED;
    },
    true,
  );
  await runCases([alone], target, { repeat: 3, parallel: 8 });
  expect(highest).toBe(1);
});

test("a repetition that ends the run is reported with the runs until then", async () => {
  let run = 0;
  const cases = [
    aCase("flaky", async () => {
      run += 1;
      return run === 3 ? FAILED : PASSED;
    }),
  ];
  const reports = await runCases(cases, target, { repeat: 9, parallel: 1, bail: ({ result }) => result === "failed" });
  expect(reports.map(({ reason }) => reason)).toEqual(["in 1 of 3 runs: lost"]);
  expect(run).toBe(3);
});

test("what a case could not delete is reported", async () => {
  const untidy: RunnableCase = { ...aCase("untidy"), run: async () => ({ ...PASSED, notCleanedUp: ["topic case-1"] }) };
  const left: string[] = [];
  await runCases([untidy, aCase("tidy")], target, { onNotCleanedUp: (names) => left.push(...names) });
  expect(left).toEqual(["topic case-1"]);
});
