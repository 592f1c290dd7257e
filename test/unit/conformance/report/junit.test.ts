import { SaxesParser } from "saxes";
import { expect, test } from "vitest";
import { judgeRun, runAsJUnit } from "../../../../src/conformance/index.ts";
import { aReport } from "../a-report.ts";
import { EXPECTED_RUN, PLAIN_RUN, REPORTS } from "./a-run.ts";

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The elements of a document, in order. Throws where it is not well-formed: the parser knows no leniency. */
function elementsOf(xml: string): readonly Element[] {
  const elements: Element[] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => elements.push({ name, attributes }));
  parser.write(xml).close();
  return elements;
}

function caseNames(elements: readonly Element[]): readonly (string | undefined)[] {
  return elements.filter(({ name }) => name === "testcase").map(({ attributes }) => attributes["name"]);
}

test("failures with their reasons, what was not tried as skipped with its message", () => {
  const elements = elementsOf(runAsJUnit(PLAIN_RUN));
  expect(
    elements.slice(0, 2).map(({ name, attributes }) => [name, attributes["tests"], attributes["failures"], attributes["skipped"]]),
  ).toEqual([
    ["testsuites", "5", "2", "2"],
    ["testsuite", "5", "2", "2"],
  ]);
  expect(elements[1]!.attributes).toMatchObject({ name: "streamport conformance: memory", errors: "0", time: "31.635" });
  expect(caseNames(elements)).toEqual(REPORTS.map((report) => report.case));
  expect(
    elements.filter(({ name }) => name === "failure" || name === "skipped").map(({ name, attributes }) => [name, attributes["message"]]),
  ).toEqual([
    ["skipped", "unsupported: the capability tombstones is declared off, and that is how it behaves"],
    ["skipped", "environment-missing: fault throttle"],
    ["failure", REPORTS[3]!.reason],
    ["failure", "the server forgets"],
  ]);
  expect(elements[2]!.attributes).toEqual({ name: "ordering/publish/same-tick", classname: "memory.2 Publish order", time: "0.125" });
});

test("what is expected decides: a known deviation is skipped, a stale entry fails", () => {
  const elements = elementsOf(runAsJUnit(EXPECTED_RUN));
  expect(elements[1]!.attributes).toMatchObject({ tests: "6", failures: "2", skipped: "3" });
  expect(elements.find(({ attributes }) => attributes["message"]?.startsWith("known deviation"))?.attributes["message"]).toBe(
    "known deviation: KAFKA-12345: it forgets",
  );
  expect(elements.at(-2)!.attributes).toMatchObject({ name: "group/gone", classname: "expected results" });
  expect(elements.at(-1)!.name).toBe("failure");
});

test("no text can break the document", () => {
  const everything = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).join("");
  const reason = `${everything}\uD83D\uDE00]]>--><![CDATA[`;
  const elements = elementsOf(runAsJUnit(judgeRun(everything, [aReport(everything, "failed", { reason })], null, [])));
  const message = elements.at(-1)!.attributes["message"]!;
  expect(message.slice(0x20, 0x7f)).toBe(everything.slice(0x20, 0x7f));
  expect(message.slice(8, 14)).toBe("\uFFFD\t\n\uFFFD\uFFFD\r");
  expect(message.endsWith("\uD83D\uDE00]]>--><![CDATA[")).toBe(true);
});
