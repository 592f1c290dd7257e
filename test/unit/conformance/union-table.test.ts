import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { selectCases } from "../../../src/conformance/case-pattern.ts";
import { conformanceCases } from "../../../src/conformance/index.ts";

/** How many cases the union has of each kind. */
const KINDS = { P: 21, O: 18, C: 12, A: 18, G: 14, R: 21, E: 14, S: 8, L: 6, N: 5, X: 8 } as const;

const readme = await readFile(join(import.meta.dirname, "../../../src/conformance/README.md"), "utf8");
const rows = [...readme.matchAll(/^\| ([A-Z]\d\d) +\| (.+?) +\| (.+?) +\|$/gm)].map(([, id, what, answer]) => ({ id, what, answer }));

test("the table of the union has every id once, in order", () => {
  const ids = Object.entries(KINDS).flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, index) => `${kind}${String(index + 1).padStart(2, "0")}`),
  );
  expect(ids).toHaveLength(145);
  expect(rows.map(({ id }) => id)).toEqual(ids);
});

test("it names cases that there are", () => {
  const names = rows.flatMap(({ answer }) => [...answer!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  expect(names.length).toBeGreaterThan(150);
  expect(selectCases(conformanceCases(), names).length).toBeGreaterThan(150);
});

test("what has no case has a reason in words", () => {
  for (const { id, answer } of rows) expect(answer!.replaceAll(/`[^`]+`/g, "").length > 20 || answer!.includes("`"), id).toBe(true);
});
