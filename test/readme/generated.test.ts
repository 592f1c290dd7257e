import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { conformanceCases } from "../../src/conformance/index.ts";
import { PROMISES } from "../../src/conformance/promises.ts";
import { connect } from "../../src/index.ts";
import { availableProviders, plannedProviders } from "../providers.ts";
import { replaceSection } from "./generated-section.ts";
import { gatherFacts, providersSection, resultsPage } from "./sections.ts";

const root = join(import.meta.dirname, "..", "..");
const facts = await gatherFacts();

// When one of these fails: `npm run readme`.

test("the README shows what the suite has shown", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  expect(readme).toBe(replaceSection(readme, "providers", providersSection(facts)));
});

test("the README's first ten lines say which providers work today, and which are refused", async () => {
  const lines = (await readFile(join(root, "README.md"), "utf8")).split("\n").slice(0, 10);
  const named = (lead: string): readonly string[] => {
    const line = lines.find((text) => text.startsWith(`**${lead}`)) ?? "";
    return [...line.matchAll(/`([a-z-]+)`/g)].map(([, provider]) => provider!).toSorted();
  };
  expect(named("Works today")).toEqual(availableProviders.toSorted());
  expect(named("Planned")).toEqual(plannedProviders.toSorted());
  for (const provider of plannedProviders) {
    await expect(connect(`${provider}://example`)).rejects.toMatchObject({ code: "configuration", provider });
  }
});

test("the README's sections are in the order of a reader, and its large tables are in test/RESULTS.md", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const headings = [...readme.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual([
    "The program",
    "What to know on the first day",
    "Providers",
    "Install",
    "Command line",
    "Moving a live stream",
    "In your own tests",
    "What is promised",
    "What this is not",
    "For adapter authors",
    "More",
  ]);
  const tables = readme.match(/(?:^\|.*\n)+/gm) ?? [];
  const rows = tables.map((table) => table.trimEnd().split("\n").length - 2);
  expect(Math.max(...rows)).toBeLessThanOrEqual(8);
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
