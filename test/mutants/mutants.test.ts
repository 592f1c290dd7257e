import { afterAll, beforeAll, expect, test } from "vitest";
import type { CaseResult, DefinedCase } from "../../src/conformance/case.ts";
import { conformanceCases } from "../../src/conformance/conformance-cases.ts";
import { allMutants } from "./mutants.ts";
import { tryCase } from "./try-case.ts";

/** Sound runs may take their time on a busy machine. */
const SOUND_TIMEOUT_MS = 20_000;
/**
 * A mutant that makes a case wait for ever is caught by the deadline. A slow machine must not look like that, so the deadline is several
 * times as long as the correct run of the same case just before, among the same other cases.
 */
const MUTANT_TIMES_SOUND = 5;
const LEAST_MUTANT_TIMEOUT_MS = 1_500;
/** That the clock ran out says something only with the condition of the case that did not come to hold. */
const WITHOUT_A_CONDITION = /^(?:out of time(?! while waiting: \S)|a connection had not closed|the target did not connect)/;
const AT_ONCE = 16;

const cases = conformanceCases();
const mutants = new Map(allMutants().map((mutant) => [mutant.name, mutant]));
const sound = new Map<string, CaseResult>();
const broken = new Map<string, CaseResult>();

async function tryBoth(conformanceCase: DefinedCase): Promise<void> {
  const { name } = conformanceCase;
  const mutant = mutants.get(conformanceCase.mutant);
  if (mutant === undefined) throw new Error(`${name} names a mutant that there is not: ${conformanceCase.mutant}`);
  const asItIs = await tryCase(conformanceCase, mutant, false, SOUND_TIMEOUT_MS);
  sound.set(name, asItIs);
  const timeoutMs = Math.max(LEAST_MUTANT_TIMEOUT_MS, MUTANT_TIMES_SOUND * asItIs.seconds * 1_000);
  broken.set(name, await tryCase(conformanceCase, mutant, true, timeoutMs));
}

/** Several cases at once, each on a broker of its own; then those that must be alone. */
beforeAll(async () => {
  const drain = async (queue: IterableIterator<DefinedCase>, atOnce: number): Promise<void> => {
    const work = async (): Promise<void> => {
      for (const conformanceCase of queue) await tryBoth(conformanceCase);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  };
  await drain(cases.filter(({ exclusive }) => !exclusive).values(), AT_ONCE);
  await drain(cases.filter(({ exclusive }) => exclusive).values(), 1);
}, 240_000);

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
  const { result, reason } = broken.get(name)!;
  expect(result, `on its mutant: ${reason}`).toBe("failed");
  expect(reason, "on its mutant").not.toMatch(WITHOUT_A_CONDITION);
});
