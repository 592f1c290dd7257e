import { expect, test } from "vitest";
import { startEmulatedOciStreaming } from "../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { compareWithExpected, conformanceCases, runCases, staleEntries } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "./expected-results.ts";

test("an emulated OCI Streaming passes completely", { timeout: 600_000 }, async () => {
  // The limits of the service, and what long keys are good for, are the points of other tests.
  await using emulator = await startEmulatedOciStreaming({ getsPerSecond: Infinity, bytesPerSecond: Infinity, keyBits: 512 });
  const target = { connect: async () => connect(emulator.url), emulator };
  const notCleanedUp: string[] = [];
  const reports = await runCases(conformanceCases(), target, {
    // Both sides are in this process, and a case of faults makes a thousand calls: on a busy machine that takes longer.
    timeoutMs: 90_000,
    onNotCleanedUp: (names) => void notCleanedUp.push(...names),
  });
  const expected = await expectedResults("oci-streaming-emulator");
  expect(compareWithExpected(reports, expected)).toEqual([]);
  expect(staleEntries(conformanceCases(), expected)).toEqual([]);
  expect(reports).toHaveLength(conformanceCases().length);
  expect(notCleanedUp).toEqual([]);
});
