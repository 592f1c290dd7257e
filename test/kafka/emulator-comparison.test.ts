import { beforeAll, describe, expect, test } from "vitest";
import { startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { kcatRequirements } from "../../localstack/kafka/kafka-tools.ts";
import { expectSame } from "./comparison/expect-same.ts";
import { type Outcomes, longOperations, quickOperations, tryAll } from "./comparison/operations.ts";
import { RECORDED_PATH, recordText } from "./comparison/recorded-outcomes.ts";

// The same operations of raw clients, kafkajs, kcat and Kafka's own tools on a real Kafka and on the emulator. The outcomes
// of the real one are recorded: `npx vitest run --config test/long/vitest.config.ts test/kafka/emulator-comparison.test.ts -u`.

const missing = kafkaRequirements() ?? kcatRequirements();
const operations = [...quickOperations, ...longOperations];

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
test.each(missing === null ? [] : [missing])("environment-missing: %s", (reason) => {
  expect(kafkaRequirements() ?? kcatRequirements()).toBe(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("a real %s and the emulated one", () => {
  let real: Outcomes;
  let emulated: Outcomes;

  beforeAll(async () => {
    await using cluster = await startKafka();
    real = await tryAll(operations, cluster.bootstrapServers);
    await using kafka = await startEmulatedKafka();
    emulated = await tryAll(operations, kafka.bootstrapServers);
  }, 400_000);

  test("the real one has the recorded outcomes", async () => {
    await expect(recordText(real)).toMatchFileSnapshot(RECORDED_PATH);
  });

  test.each(operations.map(({ name }) => name))("%s", (name) => {
    expectSame(name, emulated[name], real[name]);
  });
});
