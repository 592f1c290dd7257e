import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { runProgram } from "../../localstack/kafka/program.ts";
import { connect } from "../../src/index.ts";

const missing = kafkaRequirements();
const PROGRAM = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");
const DEMO_TIMEOUT_MS = 90_000;
const TEST_TIMEOUT_MS = 200_000;

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
describe.each(missing === null ? [] : [missing])("the demo on a real Kafka", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(startKafka()).rejects.toThrow(reason);
  });
});

test.each(missing === null ? ["Kafka"] : [])(
  "the demo has no violations on a real %s, and removes everything that it created",
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    await using cluster = await startKafka();
    // Rejects if the exit code is not 0.
    const { stdout, stderr } = await runProgram(process.execPath, [PROGRAM, "demo", "--url", cluster.url, "--json"], {
      timeoutMs: DEMO_TIMEOUT_MS,
    });
    expect(stderr).toBe("");
    const row: unknown = JSON.parse(stdout);
    expect(row).toEqual({
      provider: "kafka",
      messages: 20_000,
      lost: 0,
      outOfOrder: 0,
      duplicates: 0,
      deadLetters: 1,
      replayed: 5_964,
      replayExpected: 5_964,
      rates: { publish: expect.any(Number), handle: expect.any(Number), replay: expect.any(Number) },
      seconds: expect.any(Number),
    });
    await using connection = await connect(cluster.url, { require: ["topicListing"] });
    expect(await connection.admin.listTopics()).toEqual([]);
  },
);
