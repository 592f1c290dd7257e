import { afterAll, beforeAll, expect, test } from "vitest";
import type { CaseResult, DefinedCase } from "../../src/conformance/case.ts";
import { conformanceCases } from "../../src/conformance/conformance-cases.ts";
import { allMutants } from "./mutants.ts";
import { tryCase } from "./try-case.ts";

/** Sound runs may take their time on a busy machine; a mutant that is only caught by the clock should not take long. */
const SOUND_TIMEOUT_MS = 15_000;
const MUTANT_TIMEOUT_MS = 1_500;
const AT_ONCE = 8;

const cases = conformanceCases();
const mutants = new Map(allMutants().map((mutant) => [mutant.name, mutant]));
const sound = new Map<string, CaseResult>();
const broken = new Map<string, CaseResult>();

/** Several cases at once, each on a broker of its own; then those that must be alone. */
async function tryAll(results: Map<string, CaseResult>, attempt: (conformanceCase: DefinedCase) => Promise<CaseResult>): Promise<void> {
  const drain = async (queue: IterableIterator<DefinedCase>, atOnce: number): Promise<void> => {
    const work = async (): Promise<void> => {
      for (const conformanceCase of queue) results.set(conformanceCase.name, await attempt(conformanceCase));
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  };
  await drain(cases.filter(({ exclusive }) => !exclusive).values(), AT_ONCE);
  await drain(cases.filter(({ exclusive }) => exclusive).values(), 1);
}

beforeAll(async () => {
  await tryAll(sound, async (conformanceCase) => tryCase(conformanceCase, null, SOUND_TIMEOUT_MS));
  await tryAll(broken, async (conformanceCase) => {
    const mutant = mutants.get(conformanceCase.mutant);
    if (mutant === undefined) return { result: "environment-missing", reason: `there is no mutant ${conformanceCase.mutant}`, seconds: 0 };
    return tryCase(conformanceCase, mutant, MUTANT_TIMEOUT_MS);
  });
}, 120_000);

afterAll(() => {
  const rows = cases.map(({ name, mutant }) => `${name.padEnd(52)} ${mutant.padEnd(38)} ${broken.get(name)?.reason ?? "not caught"}`);
  process.stdout.write(`${["case".padEnd(52) + " mutant".padEnd(39) + " how it failed", ...rows].join("\n")}\n`);
});

test("names of cases and of mutants are unique, and no mutant is without a case", () => {
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  expect(mutants.size).toBe(allMutants().length);
  const wanted = new Set(cases.map(({ mutant }) => mutant));
  expect([...mutants.keys()].filter((name) => !wanted.has(name))).toEqual([]);
});

test.each(cases.map(({ name, mutant }) => ({ name, mutant })))("$name catches $mutant", ({ name }) => {
  expect(sound.get(name), "on the sound driver").toMatchObject({ result: "passed", reason: null });
  expect(broken.get(name), "on its mutant").toMatchObject({ result: "failed" });
});
