import { expect, test } from "vitest";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { sendThroughSilence, surviveSilence } from "../kafka/silent-connections.ts";

const missing = kafkaRequirements();

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

test.each(missing === null ? ([1, 3] as const) : [])(
  "with settings as they come, a send goes on within 35 s and a group within 45 s after the connections to a real Kafka of %i brokers died silently",
  async (brokers) => {
    await using cluster = await startKafka({ brokers });
    const { sendMs, groupMs, readerMs } = await surviveSilence(cluster.url, {}, 120_000);
    expect(sendMs).toBeLessThan(35_000);
    expect(groupMs).toBeLessThan(45_000);
    expect(readerMs).toBeLessThan(45_000);
    expect(await sendThroughSilence(cluster.url, {})).toBeLessThan(35_000);
  },
  300_000,
);
