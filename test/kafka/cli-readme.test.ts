import { expect, test } from "vitest";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { expectReadmeCommands } from "../cli/readme-commands.ts";

const missing = kafkaRequirements();

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

test.each(missing === null ? ["Kafka"] : [])("the commands of the README run unchanged on a real %s", { timeout: 180_000 }, async () => {
  await using cluster = await startKafka();
  await expectReadmeCommands(cluster.url);
});
