import { randomUUID } from "node:crypto";
import type { Kafka } from "kafkajs";
import { type Connection, bytes } from "../../src/index.ts";
import { type Consuming, byRun, byRunBatches, compareConsuming, fillTopic } from "./consume-comparison.ts";
import type { Comparison, Pairs } from "./paired.ts";
import { PARTITIONS, workload } from "./workload.ts";

const MESSAGES = 300_000;
const TOPIC = "consume";
/** A round takes long: every member waits the server's three seconds for others of its group. */
export const CONSUME_PAIRS: Pairs = { pairs: 11, warmUp: 1 };

/** Members of new groups that read the same full topic. */
export async function compareConsume(connection: Connection<"topicAdmin">, kafka: Kafka): Promise<Comparison<"run" | "runBatches">> {
  await connection.admin.createTopic(TOPIC, { partitions: PARTITIONS });
  const topic = connection.topic(TOPIC, { codec: bytes() });
  const values = await fillTopic(topic, workload(MESSAGES));
  const raw: Consuming = (read) => {
    const consumer = kafka.consumer({ groupId: randomUUID() });
    const running = (async () => {
      await consumer.connect();
      await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
      await consumer.run({
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) read(value!);
        },
      });
    })();
    return async () => {
      await running;
      await consumer.disconnect();
    };
  };
  return compareConsuming(values, { run: byRun(topic), runBatches: byRunBatches(topic), raw }, CONSUME_PAIRS);
}
