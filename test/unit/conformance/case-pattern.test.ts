import { expect, test } from "vitest";
import { selectCases } from "../../../src/conformance/case-pattern.ts";

const NAMES = ["group/reset", "group/reset/latest", "group/reset/to/end", "group/resets", "reset", "group", "replay/a+b/from"];
const CASES = NAMES.map((name) => ({ name }));

test.each<readonly [string, readonly string[]]>([
  ["group/reset", ["group/reset"]],
  ["group/reset/**", ["group/reset", "group/reset/latest", "group/reset/to/end"]],
  ["group/reset/*", ["group/reset/latest"]],
  ["group/*", ["group/reset", "group/resets"]],
  ["group/**", ["group/reset", "group/reset/latest", "group/reset/to/end", "group/resets", "group"]],
  ["**/reset", ["group/reset", "reset"]],
  ["group/**/end", ["group/reset/to/end"]],
  ["group/**/reset", ["group/reset"]],
  ["group/**/latest", ["group/reset/latest"]],
  ["group/res**", ["group/reset", "group/reset/latest", "group/reset/to/end", "group/resets"]],
  ["**", NAMES],
  ["replay/a+b/*", ["replay/a+b/from"]],
])("%s", (pattern, names) => {
  expect(selectCases(CASES, [pattern]).map(({ name }) => name)).toEqual(names);
});

test("a pattern that names nothing is refused", () => {
  expect(() => selectCases(CASES, ["group/**", "set/**"])).toThrow('no conformance case is named "set/**"');
});
