import { expect, test } from "vitest";
import { startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { compareWithExpected, conformanceCases, runCases } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "../conformance/expected-results.ts";

/** Calls wait for the target, not for the processor, so that many cases can run at once. */
const CASES_AT_ONCE = 32;

const TARGETS = [
  { callMs: 250, run: ["**"] },
  { callMs: 2_500, run: ["producing/**", "ordering/publish/**", "ordering/given-up/**", "ordering/failed-keys/**", "close/**"] },
];

test.each(TARGETS)("cases pass on a target with $callMs ms a call: $run", { timeout: 3_000_000 }, async ({ callMs, run }) => {
  await using emulator = await startMemoryEmulator({ delayMs: callMs });
  const target = { connect: async () => connect(emulator.url), emulator };
  const reports = await runCases(conformanceCases(), target, { run, parallel: CASES_AT_ONCE });
  expect(compareWithExpected(reports, await expectedResults("memory-delayed"))).toEqual([]);
});
