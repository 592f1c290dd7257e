import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { kafkaRequirements } from "../../localstack/kafka/kafka-requirements.ts";
import { bytes, connect } from "../../src/index.ts";
import { collectGarbage } from "../bench/cpu.ts";
import { until } from "./group-watch.ts";

const missing = kafkaRequirements();
const MEBIBYTE = 1_048_576;
const MESSAGES = 150_000;
/** 128 MiB of messages, in less than 2 MiB on the disk. */
const VALUE = new Uint8Array(900);
/** Two portions and one answer of each of four partitions, and the messages in the core. */
const BOUND = 48 * MEBIBYTE;

test.each(missing === null ? [] : [missing])("environment-missing: %s", async (reason) => {
  await expect(startKafka()).rejects.toThrow(reason);
});

test.each(missing === null ? ["Kafka"] : [])(
  "the memory for compressed messages stays bounded while they are not read, and all of them are delivered, on a real %s",
  { timeout: 120_000 },
  async () => {
    await using cluster = await startKafka();
    await using connection = await connect(`${cluster.url}?compression=zstd`, { require: ["topicAdmin"] });
    await connection.admin.createTopic("zeros", { partitions: 4 });
    const topic = connection.topic("zeros", { codec: bytes() });
    await topic.producer().sendStream(Array.from({ length: MESSAGES }, (_, index) => ({ key: String(index % 40), value: VALUE })));
    const before = heldBytes();
    const held = (): number => heldBytes() - before;

    let most = 0;
    let read = 0;
    for await (const batch of topic.reader({ until: "now", maxBufferedBytes: 4 * MEBIBYTE }).batches()) {
      if (read === 0) {
        await sleep(1_500);
        most = held();
      }
      read += batch.length;
    }
    expect(read).toBe(MESSAGES);

    let handled = 0;
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const consumer = topic.consumer({ group: "slow", maxBufferedBytes: 4 * MEBIBYTE, concurrency: 40 });
    const running = consumer.run(async () => {
      await gate;
      handled += 1;
    });
    await until(() => consumer.status().running > 0, "a handler", 30_000);
    await sleep(1_500);
    most = Math.max(most, held());
    open();
    await until(() => handled === MESSAGES, "all handled", 60_000);
    await consumer.close();
    await running;
    expect(most).toBeLessThan(BOUND);
  },
);

/** The used memory after a garbage collection. */
function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}
