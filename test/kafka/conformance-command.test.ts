import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { conformanceCases, parseJsonLines } from "../../src/conformance/index.ts";
import { startConformanceKafka } from "../conformance/conformance-kafka.ts";
import { runCommandLine, startCommand } from "../cli/command-line.ts";

const missing = kafkaRequirements();
const EXPECTED = join(import.meta.dirname, "..", "conformance", "expected", "kafka.json");

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("the command conformance on a real %s", () => {
  let cluster: KafkaCluster;

  beforeAll(async () => {
    cluster = await startConformanceKafka();
  });

  afterAll(async () => {
    await cluster.stop();
  });

  /** All topics and groups, as another client sees them. */
  async function inventory(): Promise<{ readonly topics: readonly string[]; readonly groups: readonly string[] }> {
    const admin = new Kafka({ brokers: [cluster.bootstrapServers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const topics = (await admin.listTopics()).filter((name) => name !== "__consumer_offsets");
      return { topics, groups: (await admin.listGroups()).groups.map(({ groupId }) => groupId) };
    } finally {
      await admin.disconnect();
    }
  }

  test("lists every case and shows exactly the expected results; nothing is left on the server", { timeout: 240_000 }, async () => {
    const { exitCode, output, errors } = await runCommandLine(["conformance", "--json", "--expected", EXPECTED], {
      env: { STREAM_URL: cluster.url },
    });
    expect(errors).toBe("");
    const { summary, reports } = parseJsonLines(output, "standard output");
    expect(summary).toMatchObject({ provider: "kafka", failed: 0 });
    expect(reports.map((report) => report.case).toSorted()).toEqual(
      conformanceCases()
        .map(({ name }) => name)
        .toSorted(),
    );
    expect(exitCode).toBe(0);
    expect(await inventory()).toEqual({ topics: [], groups: [] });
  });

  test("after an interruption it deletes what it created", { timeout: 120_000 }, async () => {
    const { child, ended } = startCommand(["conformance", cluster.url, "--run", "group/**", "--run", "progress/**", "--repeat", "3"]);
    child.stdout.once("data", () => child.kill("SIGINT"));
    const { exitCode, errors } = await ended;
    expect(errors).toBe("");
    expect(exitCode).toBe(130);
    expect(await inventory()).toEqual({ topics: [], groups: [] });
  });
});
