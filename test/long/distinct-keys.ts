import { setImmediate as turn } from "node:timers/promises";
import { startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { bytes, connect } from "../../src/index.ts";
import { PARTITIONS } from "../bench/workload.ts";
import { settledBytes } from "./settled-heap.ts";
import { type SoakCheck, bytesCheck, countCheck } from "./soak-result.ts";

const MEBIBYTE = 1_048_576;
const BATCH = 1_000;
const MOST_BEHIND = 20_000;
const ALLOWED_BYTES = 4 * MEBIBYTE;

/**
 * Every message has a key of its own. Before and after, retention is filled by the same messages of few keys, so that what
 * the topic itself keeps is equal: the difference is what the keys have left behind in the producer and the consumer.
 */
export async function distinctKeys(keys: number): Promise<readonly SoakCheck[]> {
  const emulator = await startMemoryEmulator();
  await emulator.createTopic("soak", { partitions: PARTITIONS, retentionBytes: MEBIBYTE });
  const connection = await connect(emulator.url);
  const topic = connection.topic("soak", { codec: bytes() });
  const producer = topic.producer();
  let handled = 0;
  const running = topic.consumer({ group: "soak", concurrency: 16 }).run(() => {
    handled += 1;
  });
  let sent = 0;
  const send = async (count: number, keyOf: (number: number) => string): Promise<void> => {
    for (let at = 0; at < count; at += BATCH) {
      while (sent - handled > MOST_BEHIND) await turn();
      await producer.sendBatch(Array.from({ length: BATCH }, (_, index) => ({ key: keyOf(at + index), value: Buffer.alloc(100) })));
      sent += BATCH;
    }
    while (handled < sent) await turn();
  };
  const heldWithFullRetention = async (): Promise<number> => {
    await send(100_000, (number) => `few-${number % 512}`);
    return settledBytes();
  };

  const before = await heldWithFullRetention();
  await send(keys, (number) => `key-${number}`);
  const after = await heldWithFullRetention();
  await connection.close();
  await running;
  await emulator.close();
  return [
    countCheck("messages with keys of their own handled", handled - 200_000, keys),
    bytesCheck(`left behind by ${keys.toLocaleString("en")} keys`, Math.max(0, after - before), ALLOWED_BYTES),
  ];
}
