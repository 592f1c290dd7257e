import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { compareWithExpected, conformanceCases, runCases, staleEntries } from "../../src/conformance/index.ts";
import { connect } from "../../src/connect.ts";
import { expectedResults } from "./expected-results.ts";

test.each([1, 3])("an emulated Kafka of %i brokers passes completely: nothing failed or missing", { timeout: 120_000 }, async (brokers) => {
  await using emulator = await startEmulatedKafka({ brokers });
  const reports = await runCases(conformanceCases(), { connect: async () => connect(emulator.url), emulator });
  const expected = await expectedResults("kafka-emulator");
  expect(compareWithExpected(reports, expected)).toEqual([]);
  expect(staleEntries(conformanceCases(), expected)).toEqual([]);
  expect(reports).toHaveLength(conformanceCases().length);
  expect(await whatIsLeft(emulator.bootstrapServers)).toEqual({ topics: [], groups: [] });
});

test("where a group waits for its first members, they start at one place", { timeout: 60_000 }, async () => {
  await using emulator = await startEmulatedKafka({ properties: { "group.initial.rebalance.delay.ms": "200" } });
  const target = { connect: async () => connect(emulator.url), emulator };
  const reports = await runCases(conformanceCases(), target, { run: ["group/start/latest-for-members-at-once"], repeat: 20 });
  expect(reports.map((report) => `${report.case} ${report.result}: ${report.reason}`)).toEqual(
    reports.map((report) => `${report.case} passed: null`),
  );
  expect(reports).toHaveLength(1);
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
