import { type Connection, bytes } from "../../src/index.ts";
import { type Consuming, byRunBatches, compareConsuming, fillTopic } from "./consume-comparison.ts";
import type { Comparison, Pairs } from "./paired.ts";
import { type Publishing, comparePublishing, eachBatch } from "./publish-comparison.ts";
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
export async function compareBatches({ real, ownProcess, inProcess }: Brokers): Promise<Comparison<Emulated>> {
  const messages = workload(PUBLISHED);
  const batches = batchesOf(messages, BATCH);
  const publishing = (connection: Connection<"topicAdmin">): Publishing => {
    const producer = connection.topic("publish", { codec: bytes() }).producer();
    return { connection, topic: "publish", messages, publish: eachBatch(batches, (batch) => producer.sendBatch(batch)) };
  };
  const ways = { raw: publishing(real), ownProcess: publishing(ownProcess), inProcess: publishing(inProcess) };
  return comparePublishing(ways, { ...EMULATOR_PAIRS, partitions: PARTITIONS });
}

/** A new group's `runBatches` of a full topic, from its first message to the last. */
export async function compareGroups({ real, ownProcess, inProcess }: Brokers): Promise<Comparison<Emulated>> {
  const messages = workload(CONSUMED);
  const filled = async (connection: Connection<"topicAdmin">): Promise<Consuming> => {
    await connection.admin.createTopic("consume", { partitions: PARTITIONS });
    const topic = connection.topic("consume", { codec: bytes() });
    await fillTopic(topic, messages);
    return byRunBatches(topic);
  };
  const values = messages.map(({ value }) => value);
  const ways = { raw: await filled(real), ownProcess: await filled(ownProcess), inProcess: await filled(inProcess) };
  return compareConsuming(values, ways, EMULATOR_PAIRS);
}
