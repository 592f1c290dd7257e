import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { conformanceCases } from "../../src/conformance/index.ts";
import { PROMISES } from "../../src/conformance/promises.ts";
import { replaceSection } from "./generated-section.ts";
import { capabilitiesSection, conformanceSection, figuresSection, gatherFacts, resultsPage } from "./sections.ts";

const root = join(import.meta.dirname, "..", "..");
const facts = await gatherFacts();

// When one of these fails: `npm run readme`.

test("the README shows what the suite has shown, the adapters' capabilities and the recorded figures as they are", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  expect(readme).toBe(replaceSection(readme, "conformance", conformanceSection(facts)));
  expect(readme).toBe(replaceSection(readme, "capabilities", capabilitiesSection(facts)));
  expect(readme).toBe(replaceSection(readme, "figures", figuresSection(facts)));
});

test("test/RESULTS.md shows what is recorded", async () => {
  expect(await readFile(join(root, "test", "RESULTS.md"), "utf8")).toBe(resultsPage(facts));
});

test("the recorded conformance runs are of the whole suite", () => {
  for (const { result } of facts.conformance.values()) {
    expect(result.passed + result.failed + result.unsupported + result.missing).toBe(conformanceCases().length);
    expect(result.failed).toBe(0);
    expect(result.promises.map(({ promise }) => String(promise))).toEqual(Object.keys(PROMISES));
  }
});

test("the README promises what the suite judges, under the same names", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const promised = [...readme.matchAll(/^(\d+)\. \*\*(.+?)\.?\*\*/gm)].map(([, number, title]) => [number, title]);
  expect(promised).toEqual(Object.entries(PROMISES));
  expect([...new Set(conformanceCases().map(({ promise }) => String(promise)))].filter((promise) => !(promise in PROMISES))).toEqual([]);
});

test("a page without the section is an error, not silently left as it is", () => {
  expect(() => replaceSection("nothing here", "capabilities", "")).toThrow('no section "capabilities"');
});
