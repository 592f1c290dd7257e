import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { compareWithExpected, conformanceCases, runCases, staleEntries } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "./expected-results.ts";

// With compression an answer holds more than is taken in at once.
const TARGETS = [
  [1, ""],
  [3, "?idempotent=true&compression=gzip"],
] as const;

test.each(TARGETS)(
  "an emulated Kafka of %i brokers%s passes completely: nothing failed or missing",
  { timeout: 120_000 },
  async (brokers, options) => {
    await using emulator = await startEmulatedKafka({ brokers });
    const reports = await runCases(conformanceCases(), { connect: async () => connect(`${emulator.url}${options}`), emulator });
    const expected = await expectedResults("kafka-emulator");
    expect(compareWithExpected(reports, expected)).toEqual([]);
    expect(staleEntries(conformanceCases(), expected)).toEqual([]);
    expect(reports).toHaveLength(conformanceCases().length);
    expect(await whatIsLeft(emulator.bootstrapServers)).toEqual({ topics: [], groups: [] });
  },
);

test("an emulated Kafka of which only the URL is known shows what every server shows", { timeout: 120_000 }, async () => {
  await using emulator = await startEmulatedKafka();
  const reports = await runCases(conformanceCases(), { connect: async () => connect(emulator.url) });
  expect(compareWithExpected(reports, await expectedResults("kafka"))).toEqual([]);
});

/** As another client sees it. */
async function whatIsLeft(bootstrapServers: string): Promise<{ readonly topics: readonly string[]; readonly groups: readonly string[] }> {
  const admin = new Kafka({ brokers: bootstrapServers.split(","), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return { topics: await admin.listTopics(), groups: (await admin.listGroups()).groups.map(({ groupId }) => groupId) };
  } finally {
    await admin.disconnect();
  }
}
