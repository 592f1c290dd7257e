import { expect, test } from "vitest";
import { caseAsJson, parseJsonLines, summarize, summaryAsJson } from "../../../../src/conformance/index.ts";
import { REPORTS } from "./a-run.ts";

const lines = [...REPORTS.map((report) => caseAsJson(report)), summaryAsJson(summarize("memory", REPORTS))];

test("the lines have exactly the agreed fields", () => {
  expect(lines[2]).toBe(
    '{"case":"ordering/publish/throttled","promise":2,"provider":"memory","result":"environment-missing","reason":"fault throttle","capability":null,"seconds":0}',
  );
  expect(lines.at(-1)).toBe('{"summary":{"provider":"memory","passed":1,"failed":2,"unsupported":1,"missing":1}}');
  // Further fields of a foreign case are left out.
  expect(caseAsJson({ ...REPORTS[0]!, notCleanedUp: [] } as never)).toBe(lines[0]);
});

test("what was written is read back, whatever the reasons hold", () => {
  expect(lines.every((line) => !line.includes("\n"))).toBe(true);
  expect(parseJsonLines(`${lines.join("\n")}\n`, "a.json")).toEqual({ summary: summarize("memory", REPORTS), reports: REPORTS });
});

test.each([
  [[], /^a\.json, line 1: the summary is missing/],
  [lines.slice(0, 2), /^a\.json, line 3: the summary is missing: this run was cut off/],
  [[lines[0], "nonsense"], /^a\.json, line 2: this is not JSON/],
  [[lines[0], lines[0], lines.at(-1)], /^a\.json, line 2: the case "ordering\/publish\/same-tick" is there twice/],
  [[lines.at(-1), lines[0]], /^a\.json, line 2: nothing may follow the summary/],
  [['{"case":"a"}'], /^a\.json, line 1: this is neither/],
  [[lines[0]!.replace('"passed"', '"perfect"')], /^a\.json, line 1: this is neither/],
  [['{"summary":{"provider":"memory"}}'], /^a\.json, line 1: this is neither/],
  [["null"], /^a\.json, line 1: this is neither/],
  [['{"unsupported":{},"missing":{},"deviations":{}}'], /^a\.json, line 1: this is neither/],
])("refused: %j", (wrong, message) => {
  expect(() => parseJsonLines(wrong.join("\n"), "a.json")).toThrow(
    expect.objectContaining({ code: "invalid-argument", message: expect.stringMatching(message) }),
  );
});
