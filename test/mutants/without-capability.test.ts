import { describe, expect, test } from "vitest";
import type { Capability } from "../../src/capabilities.ts";
import { conformanceCases } from "../../src/conformance/conformance-cases.ts";
import { allMutants } from "./mutants.ts";
import { tryCase } from "./try-case.ts";

const SOUND_TIMEOUT_MS = 20_000;
const MUTANT_TIMEOUT_MS = 2_000;

interface Caught {
  readonly capability: Capability;
  readonly name: string;
  readonly mutants: readonly string[];
}

const CAUGHT: readonly Caught[] = [
  {
    capability: "groupMembers",
    name: "group/reset/beside-joining-members",
    mutants: ["resets-beside-members-in-silence", "drops-a-record", "delivers-backwards"],
  },
  { capability: "groupMembers", name: "group/admin/beside-members", mutants: ["deleting-a-group-does-nothing", "delivers-backwards"] },
  { capability: "fencing", name: "progress/ownership/stolen-while-committing", mutants: ["forgets-progress"] },
];

describe.each(CAUGHT)("without $capability a provider promises less, and not nothing: $name", ({ capability, name, mutants }) => {
  const conformanceCase = conformanceCases().find((one) => one.name === name)!;
  const known = new Map(allMutants().map((mutant) => [mutant.name, mutant]));

  test.concurrent.each(mutants)("catches %s", { timeout: SOUND_TIMEOUT_MS + 2 * MUTANT_TIMEOUT_MS }, async (mutantName) => {
    const mutant = { ...known.get(mutantName)!, like: "pubsub" as const };
    const sound = await tryCase(conformanceCase, mutant, false, SOUND_TIMEOUT_MS);
    expect(sound, "on the sound driver").toMatchObject({ result: "unsupported", capability });
    const { result, reason } = await tryCase(conformanceCase, mutant, true, MUTANT_TIMEOUT_MS);
    expect(result, `on its mutant: ${reason}`).toBe("failed");
    expect(reason, "on its mutant").toMatch(/^without the capability \w+: (?!out of time(?! while waiting: \S))/);
  });
});
