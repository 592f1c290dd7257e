import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaCluster } from "../../localstack/kafka/kafka-cluster.ts";
import { type Connection, bytes } from "../../src/index.ts";
import { PARTITIONS, workload } from "./workload.ts";

const BATCH = 200;
const BATCH_EVERY_MS = 100;
const SETTLING_MS = 3_000;
const MEASURED_MS = 10_000;
/** Of a hundred handlers one is slow, so that its partition has much to store ahead. */
const SLOW_EVERY = 100;
const SLOW_MS = 2_000;

/**
 * Bytes a second that the commits of one member add to the server's offsets topic: 2,000 messages a second on 8 partitions, the default
 * commit rhythm, and 1 % of handlers that take 2 s.
 * @param ahead whether what is handled ahead is stored
 */
export async function commitBytesOf(
  cluster: Pick<KafkaCluster, "folder">,
  connection: Connection<"topicAdmin">,
  ahead: boolean,
): Promise<number> {
  const name = `commits-${ahead ? "with" : "without"}-ahead`;
  await connection.admin.createTopic(name, { partitions: PARTITIONS });
  const topic = connection.topic(name, { codec: bytes() });
  await using producer = topic.producer();
  const batch = workload(BATCH);
  const consumer = topic.consumer({ group: "bench", concurrency: 512, commit: { ahead } });
  let handled = 0;
  const running = consumer.run(async () => {
    handled += 1;
    if (handled % SLOW_EVERY === 0) await sleep(SLOW_MS);
  });
  let isOver = false;
  const sending = (async (): Promise<void> => {
    while (!isOver) await Promise.all([producer.sendBatch(batch), sleep(BATCH_EVERY_MS)]);
  })();
  while (handled === 0) await sleep(10);
  await sleep(SETTLING_MS);
  const before = await offsetsTopicBytes(cluster.folder);
  await sleep(MEASURED_MS);
  const added = (await offsetsTopicBytes(cluster.folder)) - before;
  isOver = true;
  await sending;
  await consumer.close();
  await running;
  return (added * 1_000) / MEASURED_MS;
}

/** The size of the log of the offsets topic, as the brokers have written it. */
async function offsetsTopicBytes(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true });
  const segments = files.filter((file) => file.includes("__consumer_offsets-") && file.endsWith(".log"));
  const sizes = await Promise.all(segments.map(async (file) => (await stat(join(folder, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
