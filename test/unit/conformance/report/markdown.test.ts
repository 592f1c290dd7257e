import { expect, test } from "vitest";
import { OWN_CAPABILITIES } from "../../../../adapters/memory/capabilities.ts";
import { conformanceMatrix, runAsMarkdown, summarize, summarizePromises } from "../../../../src/conformance/index.ts";
import { markdownTable } from "../../../../src/conformance/report/markdown-table.ts";
import { aReport } from "../a-report.ts";
import { EXPECTED_RUN, REPORTS, SOUND_RUN } from "./a-run.ts";

/** The cells of every row of every table; fails where a row has more or fewer than its head. */
function rowsOf(page: string): readonly (readonly string[])[] {
  return page
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test("the matrix has a column for each provider, and a row for each promise and capability", () => {
  const others = [aReport("x", "passed", { promise: 3, provider: "kafka" })];
  const columns = [
    { provider: "memory", reports: REPORTS },
    { provider: "kafka", reports: others },
  ].map(({ provider, reports }) => ({
    provider,
    capabilities: { ...OWN_CAPABILITIES, tombstones: provider === "memory" },
    counts: summarize(provider, reports),
    promises: summarizePromises(reports),
  }));
  const rows = new Map(rowsOf(conformanceMatrix(columns)).map(([name, ...cells]) => [name, cells]));
  expect(rows.get("")).toEqual(["memory", "kafka"]);
  expect(rows.get("conformance cases")).toEqual(["1 passed, 2 failed, 1 unsupported, 1 not tried", "1 passed"]);
  expect([...rows.keys()].slice(3, 8)).toEqual(["1 Durable send", "2 Publish order", "3 Independent keys", "4 At least once", "8 Replay"]);
  expect(rows.get("3 Independent keys")).toEqual(["", "1 passed"]);
  expect(rows.get("2 Publish order")).toEqual(["1 passed, 1 not tried", ""]);
  expect(rows.get("`tombstones`")).toEqual(["yes", "no"]);
  expect(rows.get("`limits.messageBytes`")).toEqual(["1,048,576", "1,048,576"]);
});

test("the page of a run says what is wrong, and what did not pass for a reason", () => {
  const page = runAsMarkdown(EXPECTED_RUN, OWN_CAPABILITIES);
  expect(page.startsWith("# Conformance of memory\n\n|  | memory |\n| --- | --- |\n")).toBe(true);
  const [, wrong = "", others = ""] = page.split("\n## ");
  expect(
    rowsOf(wrong)
      .slice(2)
      .map(([name]) => name),
  ).toEqual(["`replay/range/until-now`", "`group/gone`"]);
  expect(wrong).toContain("first line \\| \\<b\\>&amp;");
  expect(wrong).toContain("second \\*line\\* \\[x\\](y)");
  expect(rowsOf(others).slice(2)).toEqual([
    ["`producing/tombstones`", "unsupported", "the capability tombstones is declared off, and that is how it behaves"],
    ["`ordering/publish/throttled`", "environment-missing", "fault throttle"],
    ["`group/reset`", "known deviation", "KAFKA-12345: it forgets"],
  ]);
});

test("a run as it should be has no list of what is wrong", () => {
  expect(runAsMarkdown(SOUND_RUN, OWN_CAPABILITIES)).not.toContain("wrong");
});

test("a cell stays one cell", () => {
  expect(markdownTable(["a"], [["one\ntwo | three \\| four"]])).toBe("| a |\n| --- |\n| one two \\| three \\| four |\n");
});
