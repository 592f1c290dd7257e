import { openMemory } from "../../adapters/memory/open.ts";
import { startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import type { CaseResult, DefinedCase } from "../../src/conformance/case.ts";
import { connect } from "../../src/connect.ts";
import type { Mutant } from "./mutant.ts";

/**
 * The clock of a case goes in steps of one process: while the machine keeps the process waiting, the clock waits as well, and
 * the case loses no more than one step by it.
 */
const STEP_MS = 50;

/** How a case ends on a memory broker of its own, in the form in which its mutant's defect can show: sound, or broken by it. */
export async function tryCase(conformanceCase: DefinedCase, mutant: Mutant, isBroken: boolean, timeoutMs: number): Promise<CaseResult> {
  await using emulator = await startMemoryEmulator({ like: mutant.like });
  const breakage = isBroken ? mutant.break() : undefined;
  const target = {
    emulator,
    connect: async () => {
      const driver = openMemory(emulator.url);
      const connection = await connect(breakage?.driver?.(driver) ?? driver);
      return breakage?.connection?.(connection) ?? connection;
    },
  };
  const deadline = new AbortController();
  let stepsLeft = Math.ceil(timeoutMs / STEP_MS);
  const timer = setInterval(() => {
    stepsLeft -= 1;
    if (stepsLeft === 0) deadline.abort(new Error("out of time"));
  }, STEP_MS);
  try {
    return await conformanceCase.run(target, deadline.signal);
  } finally {
    clearInterval(timer);
  }
}
