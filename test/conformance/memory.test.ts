import { describe, expect, test } from "vitest";
import type { Capability } from "../../src/capabilities.ts";
import { CAPABILITY_NAMES } from "../../src/capabilities.ts";
import { compareWithExpected, conformanceCases, runCases, staleEntries } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import type { FaultKind } from "../../src/driver/index.ts";
import { type MemoryEmulatorOptions, startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { expectedResults } from "./expected-results.ts";

/** The forms of providers whose emulator runs the whole suite here are in the long tier: `test/long/memory-forms.test.ts`. */
const TARGETS: Readonly<Record<string, MemoryEmulatorOptions>> = {
  memory: {},
  "memory-delayed": { delayMs: 1 },
};

describe("the memory provider passes completely: nothing failed, and exactly what is expected is unsupported or missing", () => {
  // Half of their time is waiting.
  test.concurrent.each(Object.entries(TARGETS))("%s", { timeout: 300_000 }, async (name, options) => {
    await using emulator = await startMemoryEmulator(options);
    const reports = await runCases(conformanceCases(), { connect: async () => connect(emulator.url), emulator });
    const expected = await expectedResults(name);
    expect(compareWithExpected(reports, expected)).toEqual([]);
    expect(staleEntries(conformanceCases(), expected)).toEqual([]);
    expect(reports).toHaveLength(conformanceCases().length);
  });
});

describe("with a single capability off, the cases that stand on it try its refusal", () => {
  const gated = (capability: Capability) => conformanceCases().filter(({ gates }) => gates.includes(capability));

  test.each(CAPABILITY_NAMES.filter((capability) => gated(capability).length > 0))("%s", async (capability) => {
    await using emulator = await startMemoryEmulator({ without: [capability] });
    const reports = await runCases(gated(capability), { connect: async () => connect(emulator.url), emulator });
    for (const report of reports) expect(report).toMatchObject({ result: "unsupported" });
    expect(reports.map((report) => report.capability)).toContain(capability);
  });
});

describe("what a group promises without a capability holds in every case of groups and of progress", () => {
  test.concurrent.each<{ without: readonly Capability[] }>([{ without: ["fencing"] }, { without: ["fencing", "handledAhead"] }])(
    "$without",
    { timeout: 120_000 },
    async ({ without }) => {
      await using emulator = await startMemoryEmulator({ without });
      const target = { connect: async () => connect(emulator.url), emulator };
      const reports = await runCases(conformanceCases(), target, { run: ["group/**", "progress/**"] });
      expect(reports.filter(({ result }) => result === "failed")).toEqual([]);
      for (const { capability } of reports) if (capability !== null) expect(without).toContain(capability);
      expect(reports.filter(({ result }) => result === "passed").length).toBeGreaterThan(60);
    },
  );
});

test("without an emulator, cases that need a fault say which is missing", async () => {
  await using emulator = await startMemoryEmulator();
  const needy = conformanceCases().filter(({ faults }) => faults.length > 0);
  const reports = await runCases(needy, { connect: async () => connect(emulator.url) });
  expect(reports.map(({ result, reason }) => `${result}: ${reason}`)).toEqual(
    needy.map(({ faults }) => `environment-missing: fault ${faults[0]}`),
  );
});

test("every fault kind is used by a case", () => {
  const kinds: Record<FaultKind, true> = {
    throttle: true,
    "fail-entry": true,
    "fail-before-write": true,
    "fail-after-write": true,
    disconnect: true,
    stall: true,
    "expire-cursor": true,
    "steal-partition": true,
    "lose-coordinator": true,
    "refuse-authorization": true,
    restart: true,
  };
  const used = new Set<string>(conformanceCases().flatMap(({ faults }) => faults));
  expect(Object.keys(kinds).filter((kind) => !used.has(kind))).toEqual([]);
});
