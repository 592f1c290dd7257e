import { describe, expect, test } from "vitest";
import { compareWithExpected, conformanceCases, runCases, staleEntries } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { startConformanceKafka } from "./conformance-kafka.ts";
import { expectedResults, expectedOfOurOwn } from "./expected-results.ts";

const environmentMissing = kafkaRequirements();

// Tables of no or one row: what cannot run here is a test that says so, not a test that was skipped.
describe.each(environmentMissing === null ? [] : [environmentMissing])("the conformance suite on a real Kafka", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(startKafka()).rejects.toThrow(reason);
  });
});

test.each(environmentMissing === null ? ["Kafka"] : [])(
  "a local %s passes completely: nothing failed, and exactly what is expected is unsupported or missing",
  { timeout: 180_000 },
  async () => {
    await using cluster = await startConformanceKafka();
    const reports = await runCases(conformanceCases(), {
      connect: async () => connect(cluster.url),
      compact: cluster.compact,
      expire: cluster.expire,
      damage: cluster.damage,
    });
    const expected = expectedOfOurOwn(await expectedResults("kafka"));
    expect(compareWithExpected(reports, expected)).toEqual([]);
    expect(staleEntries(conformanceCases(), expected)).toEqual([]);
    expect(reports).toHaveLength(conformanceCases().length);
  },
);
