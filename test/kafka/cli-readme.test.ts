import { expect, test } from "vitest";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { expectReadmeCommands } from "../cli/readme-commands.ts";

const missing = kafkaRequirements();

// Tables of no or one row: what cannot run here is a test that says so, not a test that was skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

test.each(missing === null ? ["Kafka"] : [])(
  "the commands of the README run as they are printed, on a real %s",
  { timeout: 180_000 },
  async () => {
    await using cluster = await startKafka();
    await expectReadmeCommands(cluster.url);
  },
);
