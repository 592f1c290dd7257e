import { randomUUID } from "node:crypto";
import { type Connection, bytes } from "../../src/index.ts";
import { DeliveryDigest } from "./delivery-digest.ts";
import { type Comparison, type Contestant, type Pairs, type Sample, compare, startWatch } from "./paired.ts";
import { PARTITIONS, batchesOf, workload } from "./workload.ts";

export const EMULATOR_PAIRS: Pairs = { pairs: 11, warmUp: 3 };

const PUBLISHED = 80_000;
const CONSUMED = 200_000;
const BATCH = 1_000;

/** The same client on each: what is compared are the brokers. */
export interface Brokers {
  readonly real: Connection<"topicAdmin">;
  readonly ownProcess: Connection<"topicAdmin">;
  readonly inProcess: Connection<"topicAdmin">;
}

type Emulated = "ownProcess" | "inProcess";

/** `sendBatch` of 1,000 messages of 100 B, one batch after the other. */
export async function comparePublishing(brokers: Brokers): Promise<Comparison<Emulated>> {
  const batches = batchesOf(workload(PUBLISHED), BATCH);
  const topic = "publish";
  const contestant = async (connection: Connection<"topicAdmin">): Promise<Contestant> => {
    await connection.admin.createTopic(topic, { partitions: PARTITIONS });
    const producer = connection.topic(topic, { codec: bytes() }).producer();
    return async () => {
      const watch = startWatch();
      for (const batch of batches) await producer.sendBatch(batch);
      return watch(PUBLISHED);
    };
  };
  return compareAll(brokers, contestant);
}

/** A new group's `runBatches` of a full topic, from its first message to the last. */
export async function compareConsuming(brokers: Brokers): Promise<Comparison<Emulated>> {
  const messages = workload(CONSUMED);
  const values = messages.map(({ value }) => value);
  const contestant = async (connection: Connection<"topicAdmin">): Promise<Contestant> => {
    await connection.admin.createTopic("consume", { partitions: PARTITIONS });
    const topic = connection.topic("consume", { codec: bytes() });
    const producer = topic.producer();
    for (const batch of batchesOf(messages, BATCH)) await producer.sendBatch(batch);
    await producer.close();
    return async () => {
      const digest = new DeliveryDigest();
      const done = Promise.withResolvers<Sample>();
      let watch: ReturnType<typeof startWatch> | undefined;
      const consumer = topic.consumer({ group: randomUUID(), initialPosition: "earliest" });
      const running = consumer.runBatches((batch) => {
        watch ??= startWatch();
        for (const { value } of batch) digest.add(value);
        if (digest.messages === CONSUMED) done.resolve(watch(CONSUMED));
      });
      const sample = await Promise.race([done.promise, running.then(() => done.promise)]);
      await consumer.close();
      await running;
      digest.verify("consume", values);
      return sample;
    };
  };
  return compareAll(brokers, contestant);
}

async function compareAll(
  { real, ownProcess, inProcess }: Brokers,
  contestant: (connection: Connection<"topicAdmin">) => Promise<Contestant>,
): Promise<Comparison<Emulated>> {
  const emulated = { ownProcess: await contestant(ownProcess), inProcess: await contestant(inProcess) };
  return compare(emulated, await contestant(real), EMULATOR_PAIRS);
}
