import { randomUUID } from "node:crypto";
import type { Kafka } from "kafkajs";
import { type Connection, type Consumer, bytes } from "../../src/index.ts";
import { DeliveryDigest } from "./delivery-digest.ts";
import { type Comparison, type Contestant, type Pairs, type Sample, compare, startWatch } from "./paired.ts";
import { PARTITIONS, batchesOf, workload } from "./workload.ts";

const MESSAGES = 300_000;
const FILL_BATCH = 5_000;
const TOPIC = "consume";
/** A round takes long: every member waits the server's three seconds for others of its group. */
export const CONSUME_PAIRS: Pairs = { pairs: 11, warmUp: 1 };

type Read = (value: Uint8Array) => void;
/** Joins a new group and reads all; `read` is to be called with each value. Returns what leaves the group. */
type Join = (read: Read) => () => Promise<unknown>;

/** Members of new groups that read the same full topic; the clock runs from the first message to the last. */
export async function compareConsume(connection: Connection<"topicAdmin">, kafka: Kafka): Promise<Comparison<"run" | "runBatches">> {
  await connection.admin.createTopic(TOPIC, { partitions: PARTITIONS });
  const topic = connection.topic(TOPIC, { codec: bytes() });
  const messages = workload(MESSAGES);
  const values = messages.map(({ value }) => value);
  const producer = topic.producer();
  for (const batch of batchesOf(messages, FILL_BATCH)) await producer.sendBatch(batch);
  await producer.close();

  const contestant =
    (what: string, join: Join): Contestant =>
    async () => {
      const digest = new DeliveryDigest();
      const done = Promise.withResolvers<Sample>();
      let watch: ReturnType<typeof startWatch> | undefined;
      const leave = join((value) => {
        watch ??= startWatch();
        digest.add(value);
        if (digest.messages === MESSAGES) done.resolve(watch(MESSAGES));
      });
      const sample = await done.promise;
      await leave();
      digest.verify(what, values);
      return sample;
    };
  const ours =
    (start: (consumer: Consumer<Uint8Array>, read: Read) => Promise<void>): Join =>
    (read) => {
      const consumer = topic.consumer({ group: randomUUID() });
      const running = start(consumer, read);
      return async () => {
        await consumer.close();
        await running;
      };
    };
  const run = ours((consumer, read) => consumer.run(({ value }) => read(value)));
  const runBatches = ours((consumer, read) =>
    consumer.runBatches((batch) => {
      for (const { value } of batch) read(value);
    }),
  );
  const eachBatch: Join = (read) => {
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
  return compare(
    { run: contestant("run", run), runBatches: contestant("runBatches", runBatches) },
    contestant("raw eachBatch", eachBatch),
    CONSUME_PAIRS,
  );
}
