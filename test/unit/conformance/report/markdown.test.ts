import { expect, test } from "vitest";
import { OWN_CAPABILITIES } from "../../../../adapters/memory/capabilities.ts";
import { capabilityMatrix, conformanceMatrix, runAsMarkdown, summarize, summarizePromises } from "../../../../src/conformance/index.ts";
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

test("the matrix of what was shown has a column for each target, and a row for each promise", () => {
  const others = [aReport("x", "passed", { promise: 3, provider: "kafka" })];
  const columns = [
    { target: "memory, in this process", reports: REPORTS },
    { target: "Apache Kafka", reports: others },
  ].map(({ target, reports }) => ({ target, counts: summarize(target, reports), promises: summarizePromises(reports) }));
  expect(rowsOf(conformanceMatrix(columns))).toEqual([
    ["", "memory, in this process", "Apache Kafka"],
    ["---", "---", "---"],
    ["1 Durable send", "0 passed, 1 unsupported", ""],
    ["2 Publish order", "1 passed, 1 not tried", ""],
    ["3 Independent keys", "", "1 passed"],
    ["4 At least once", "0 passed, 1 failed", ""],
    ["8 Replay", "0 passed, 1 failed", ""],
    ["all", "1 passed, 2 failed, 1 unsupported, 1 not tried", "1 passed"],
  ]);
});

test("the matrix of what is declared has a column for each provider, and a row for each capability and limit", () => {
  const columns = [
    { provider: "memory", capabilities: OWN_CAPABILITIES },
    { provider: "kafka", capabilities: { ...OWN_CAPABILITIES, tombstones: false } },
  ];
  const rows = new Map(rowsOf(capabilityMatrix(columns)).map(([name, ...cells]) => [name, cells]));
  expect(rows.get("")).toEqual(["memory", "kafka"]);
  expect(rows.get("`tombstones`")).toEqual(["yes", "no"]);
  expect(rows.get("`limits.messageBytes`")).toEqual(["1,048,576", "1,048,576"]);
  const declared = Object.keys(OWN_CAPABILITIES).filter((name) => name !== "limits");
  expect(declared.filter((name) => !rows.has(`\`${name}\``))).toEqual([]);
});

test("the page of a run says what is wrong, and what did not pass for a reason", () => {
  const page = runAsMarkdown(EXPECTED_RUN, OWN_CAPABILITIES);
  expect(page.startsWith("# Conformance of memory\n\n|  | memory |\n| --- | --- |\n")).toBe(true);
  const [, wrong = "", others = "", declared = ""] = page.split("\n## ");
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
    ["`group/reset/back-and-forward`", "known deviation", "KAFKA-12345: it forgets"],
  ]);
  expect(rowsOf(declared)[2]).toEqual(["`partitions`", "yes"]);
});

test("a run as it should be has no list of what is wrong", () => {
  expect(runAsMarkdown(SOUND_RUN, OWN_CAPABILITIES)).not.toContain("wrong");
});

test("a cell stays one cell", () => {
  expect(markdownTable(["a"], [["one\ntwo | three \\| four"]])).toBe("| a |\n| --- |\n| one two \\| three \\| four |\n");
});
