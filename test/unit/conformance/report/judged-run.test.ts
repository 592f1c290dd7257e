import { expect, test } from "vitest";
import { judgeRun } from "../../../../src/conformance/index.ts";
import { aReport } from "../a-report.ts";
import { EXPECTED_RUN, PLAIN_RUN, SOUND_RUN } from "./a-run.ts";

test("where nothing is known of the target, what failed is wrong and nothing else", () => {
  expect(PLAIN_RUN.holds).toBe(false);
  expect(PLAIN_RUN.cases.filter(({ problem }) => problem !== null).map(({ report }) => report.case)).toEqual([
    "replay/range/until-now",
    "group/reset/back-and-forward",
  ]);
  expect(SOUND_RUN.holds).toBe(true);
});

test("where something is expected, every difference is wrong, and stale entries are", () => {
  expect(EXPECTED_RUN.holds).toBe(false);
  expect(EXPECTED_RUN.cases.filter(({ problem }) => problem !== null).map(({ report, problem }) => [report.case, problem])).toEqual([
    ["replay/range/until-now", expect.stringMatching(/^expected passed, but failed \(first line/)],
  ]);
  expect(EXPECTED_RUN.cases.find(({ report }) => report.case === "group/reset/back-and-forward")).toMatchObject({
    knownDeviation: "KAFKA-12345: it forgets",
  });
  expect(EXPECTED_RUN.stale).toEqual(["group/gone"]);
});

test("a run without a wrong case does not hold when an entry is stale, or a known deviation passes", () => {
  const lists = { unsupported: {}, missing: {}, deviations: { gone: "once" } };
  expect(judgeRun("memory", [aReport("a", "passed")], lists, [{ name: "a" }]).holds).toBe(false);
  expect(judgeRun("memory", [aReport("a", "passed")], lists, [{ name: "a" }, { name: "gone" }]).holds).toBe(true);
  expect(judgeRun("memory", [aReport("gone", "passed")], lists, [{ name: "gone" }]).cases[0]?.problem).toBe(
    "listed as a known deviation, but passed",
  );
});
