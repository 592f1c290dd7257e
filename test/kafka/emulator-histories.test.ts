import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmulatedKafka, startEmulatedKafka } from "../../localstack/kafka/broker/emulated-kafka.ts";
import { type KafkaCluster, startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { Target } from "./comparison/operation.ts";
import { RandomHistory } from "./comparison/random-history.ts";

// Random histories of raw requests, many of them invalid, on a real Kafka and on the emulated one: each step has the same
// outcome. The outcomes are not recorded, because each run can have other histories.

const missing = kafkaRequirements();
const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);
const STEPS = 80;

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

describe.each(missing === null ? ["Kafka"] : [])("a real %s and the emulated one", () => {
  let real: KafkaCluster;
  let emulated: EmulatedKafka;

  beforeAll(async () => {
    [real, emulated] = await Promise.all([startKafka(), startEmulatedKafka()]);
  });

  afterAll(async () => {
    await Promise.all([real.stop(), emulated.close()]);
  });

  test.each(SEEDS)("history %i", async (seed) => {
    // An hour ago, so that the markers of transactions, which have the server's time, are newer than all messages.
    const beganMs = Date.now() - 3_600_000;
    const run = (server: string) => RandomHistory.run(seed, STEPS, beganMs, new Target(server));
    const [onReal, onEmulated] = await Promise.all([run(real.bootstrapServers), run(emulated.bootstrapServers)]);
    expect(onReal).toHaveLength(STEPS);
    expect(onEmulated).toEqual(onReal);
  });
});
