import { expect, test } from "vitest";
import { loadPubSubOpener } from "../../adapters/pubsub/open.ts";
import { startEmulatedPubSub } from "../../localstack/pubsub/emulated-pubsub.ts";
import { compareWithExpected, conformanceCases, runCases, staleEntries } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "../conformance/expected-results.ts";

test("an emulated Pub/Sub passes completely", { timeout: 600_000 }, async () => {
  await using emulator = await startEmulatedPubSub();
  const openDriver = await loadPubSubOpener();
  const target = { connect: async () => connect(openDriver(emulator.url)), emulator };
  const notCleanedUp: string[] = [];
  const reports = await runCases(conformanceCases(), target, { onNotCleanedUp: (names) => void notCleanedUp.push(...names) });
  const expected = await expectedResults("pubsub-emulator");
  expect(compareWithExpected(reports, expected)).toEqual([]);
  expect(staleEntries(conformanceCases(), expected)).toEqual([]);
  expect(reports).toHaveLength(conformanceCases().length);
  expect(notCleanedUp).toEqual([]);
});
