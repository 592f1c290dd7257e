import { expect, test } from "vitest";
import { type MemoryEmulatorOptions, startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { compareWithExpected, conformanceCases, runCases, staleEntries } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "../conformance/expected-results.ts";
import { expectLentFormPasses } from "../conformance/lent-form.ts";

/** Their emulators run the whole suite in `npm test`. */
const FORMS = ["kafka", "kinesis", "event-hubs", "pubsub", "oci-streaming"] as const;

test.each(FORMS)(
  "memory like %s passes completely: nothing failed, and exactly what is expected is unsupported or missing",
  async (like) => {
    await using emulator = await startMemoryEmulator({ like });
    const reports = await runCases(conformanceCases(), { connect: async () => connect(emulator.url), emulator });
    const expected = await expectedResults(`memory-like-${like}`);
    expect(compareWithExpected(reports, expected)).toEqual([]);
    expect(staleEntries(conformanceCases(), expected)).toEqual([]);
    expect(reports).toHaveLength(conformanceCases().length);
  },
);

test.each<[string, MemoryEmulatorOptions]>([
  ["like Event Hubs", { like: "event-hubs" }],
  ["like Pub/Sub without administration of topics", { like: "pubsub", without: ["topicAdmin"] }],
])("topics and groups can be lent to every case, one at a time, also with what earlier cases left in them: %s", async (_, options) =>
  expectLentFormPasses(options),
);
