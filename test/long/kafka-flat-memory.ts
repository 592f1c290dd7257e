import { setImmediate as turn } from "node:timers/promises";
import { startKafka } from "../../localstack/kafka/kafka-cluster.ts";
import { bytes, connect } from "../../src/index.ts";
import { collectGarbage } from "../bench/cpu.ts";
import { DeliveryDigest } from "../bench/delivery-digest.ts";
import { PARTITIONS, workload } from "../bench/workload.ts";
import { type SoakCheck, bytesCheck, countCheck } from "./soak-result.ts";

const MEBIBYTE = 1_048_576;
const BATCH = 1_000;
/** The consumer works while the producer does, and what is between them stays the same. */
const MOST_BEHIND = 50_000;
const SAMPLES = 10;
/** By then everything has been used once, and the heap has taken the size that this pace asks for. */
const SETTLED_SAMPLES = 3;
const ALLOWED_GROWTH_BYTES = 48 * MEBIBYTE;

/** Many messages through a real broker and one member: what the process holds of the machine's memory, looked at after every tenth. */
export async function kafkaFlatMemory(messages: number, tell: (text: string) => void): Promise<readonly SoakCheck[]> {
  await using cluster = await startKafka({ profile: "default" });
  await using connection = await connect(cluster.url, { require: ["topicAdmin"] });
  await connection.admin.createTopic("soak", { partitions: PARTITIONS });
  const topic = connection.topic("soak", { codec: bytes() });
  const producer = topic.producer();
  const consumer = topic.consumer({ group: "soak", concurrency: 16 });
  const batch = workload(BATCH);
  const digest = new DeliveryDigest();
  let failure: Error | undefined;
  const running = consumer
    .run(({ value }) => digest.add(value))
    .catch((error: unknown) => {
      failure = new Error("the consumer stopped", { cause: error });
    });
  const handled = async (least: number): Promise<void> => {
    while (digest.messages < least) {
      if (failure !== undefined) throw failure;
      await turn();
    }
  };
  const samples: number[] = [];
  for (let sent = BATCH; sent <= messages; sent += BATCH) {
    await producer.sendBatch(batch);
    await handled(sent - MOST_BEHIND);
    if (sent % (messages / SAMPLES) !== 0) continue;
    await handled(sent);
    collectGarbage();
    samples.push(process.memoryUsage.rss());
    tell(`Kafka: ${sent.toLocaleString("en")} messages, ${(samples.at(-1)! / MEBIBYTE).toFixed(1)} MiB resident`);
  }
  await consumer.close();
  await running;
  if (failure !== undefined) throw failure;
  const values = batch.map(({ value }) => value);
  digest.verify("soak", values, messages / BATCH);
  const settled = Math.max(...samples.slice(0, SETTLED_SAMPLES));
  const growth = Math.max(...samples.slice(SETTLED_SAMPLES)) - settled;
  return [
    countCheck("messages handled from Kafka", digest.messages, messages),
    bytesCheck("growth of resident memory on Kafka after the first three tenths", Math.max(0, growth), ALLOWED_GROWTH_BYTES),
  ];
}
