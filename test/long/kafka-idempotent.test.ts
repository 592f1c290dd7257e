import { expect, test } from "vitest";
import { compareWithExpected, conformanceCases, runCases } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { startConformanceKafka } from "../conformance/conformance-kafka.ts";
import { expectedResults, expectedOfOurOwn } from "../conformance/expected-results.ts";

const missing = kafkaRequirements();

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

test.each(missing === null ? ["Kafka"] : [])(
  "a local %s passes completely with an idempotent producer and compression",
  { timeout: 300_000 },
  async () => {
    await using cluster = await startConformanceKafka();
    const url = `${cluster.url}?idempotent=true&compression=gzip`;
    const reports = await runCases(conformanceCases(), {
      connect: async () => connect(url),
      compact: cluster.compact,
      damage: cluster.damage,
    });
    expect(compareWithExpected(reports, expectedOfOurOwn(await expectedResults("kafka")))).toEqual([]);
    expect(reports).toHaveLength(conformanceCases().length);
  },
);
