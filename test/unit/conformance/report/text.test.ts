import { expect, test } from "vitest";
import { caseAsText, runAsText } from "../../../../src/conformance/index.ts";
import { EXPECTED_RUN, PLAIN_RUN, SOUND_RUN } from "./a-run.ts";

test("each case is a line, with what is wrong below it", () => {
  expect(EXPECTED_RUN.cases.map((judged) => caseAsText(judged)).join("\n")).toBe(
    [
      "passed      ordering/publish/same-tick 0.13 s",
      "unsupported producing/tombstones 0.01 s (tombstones)",
      "missing     ordering/publish/throttled 0.00 s (fault throttle)",
      "FAILED      replay/range/until-now 30.00 s",
      `    expected passed, but failed (first line | <b>&amp; "quoted" 'single'`,
      "    second *line* [x](y))",
      "FAILED      group/reset/back-and-forward 1.50 s (known deviation: KAFKA-12345: it forgets)",
    ].join("\n"),
  );
});

test("the end: counts by promise, what is wrong, the verdict", () => {
  expect(runAsText(PLAIN_RUN)).toBe(
    [
      "promise                    passed  failed  unsupported  missing",
      "1 Durable send                  0       0            1        0",
      "2 Publish order                 1       0            0        1",
      "4 At least once                 0       1            0        0",
      "8 Replay                        0       1            0        0",
      "all                             1       2            1        1",
      "",
      "replay/range/until-now",
      `    first line | <b>&amp; "quoted" 'single'`,
      "    second *line* [x](y)",
      "",
      "group/reset/back-and-forward",
      "    the server forgets",
      "",
      "memory: 5 cases, 2 wrong",
    ].join("\n"),
  );
  expect(runAsText(SOUND_RUN)).toMatch(/\n\nmemory: 3 cases, nothing wrong$/);
  expect(runAsText(EXPECTED_RUN)).toContain("group/gone\n    listed in the expected results, but no case has this name");
});

test("a style sets off what is good, bad and aside", () => {
  const style = { good: (text: string) => `+${text}+`, bad: (text: string) => `!${text}!`, faint: (text: string) => `.${text}.` };
  expect(caseAsText(PLAIN_RUN.cases[0]!, style)).toBe("+passed     + ordering/publish/same-tick .0.13 s.");
  expect(caseAsText(PLAIN_RUN.cases[4]!, style)).toBe("!FAILED     ! group/reset/back-and-forward .1.50 s.\n    the server forgets");
  expect(runAsText(PLAIN_RUN, style)).toContain("!memory: 5 cases, 2 wrong!");
});
