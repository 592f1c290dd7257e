import { type CaseReport, type JudgedRun, judgeRun } from "../../../../src/conformance/index.ts";
import { aReport } from "../a-report.ts";

/** One case of each kind, and reasons with everything that has a meaning of its own in some format. */
export const REPORTS: readonly CaseReport[] = [
  aReport("ordering/publish/same-tick", "passed", { promise: 2, seconds: 0.125 }),
  aReport("producing/tombstones", "unsupported", {
    promise: 1,
    capability: "tombstones",
    reason: "the capability tombstones is declared off, and that is how it behaves",
    seconds: 0.01,
  }),
  aReport("ordering/publish/throttled", "environment-missing", { promise: 2, reason: "fault throttle" }),
  aReport("replay/range/until-now", "failed", {
    promise: 8,
    reason: `first line | <b>&amp; "quoted" 'single'\nsecond *line* [x](y)`,
    seconds: 30,
  }),
  aReport("group/reset/back-and-forward", "failed", { promise: 4, reason: "the server forgets", seconds: 1.5 }),
];

const EXPECTED = {
  unsupported: { "producing/tombstones": "tombstones" },
  missing: { "ordering/publish/throttled": "fault throttle" },
  deviations: { "group/reset/back-and-forward": "KAFKA-12345: it forgets", "group/gone": "a stale entry" },
};

/** Judged by what failed. */
export const PLAIN_RUN: JudgedRun = judgeRun("memory", REPORTS, null, []);
/** Judged by lists that know `group/reset/back-and-forward`, and of which one entry is stale. */
export const EXPECTED_RUN: JudgedRun = judgeRun(
  "memory",
  REPORTS,
  EXPECTED,
  REPORTS.map((report) => ({ name: report.case })),
);
/** As it should be. */
export const SOUND_RUN: JudgedRun = judgeRun("memory", REPORTS.slice(0, 3), null, []);
