import { expect, test } from "vitest";
import { startEmulatedPubSub } from "../../localstack/pubsub/emulated-pubsub.ts";
import { compareWithExpected, conformanceCases, runCases } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "../conformance/expected-results.ts";

test("the whole suite passes with groups of exactly-once delivery, and what needs fencing with it", { timeout: 900_000 }, async () => {
  await using emulator = await startEmulatedPubSub();
  const reports = await runCases(conformanceCases(), { connect: async () => connect(`${emulator.url}&exactlyOnce=true`), emulator });
  const expected = await expectedResults("pubsub-emulator");
  const ordinary = Object.entries(expected.unsupported);
  const unsupported = Object.fromEntries(ordinary.filter(([, capability]) => capability !== "fencing"));
  expect(Object.keys(unsupported).length).toBeLessThan(ordinary.length);
  expect(reports).toHaveLength(conformanceCases().length);
  expect(compareWithExpected(reports, { ...expected, unsupported })).toEqual([]);
});
