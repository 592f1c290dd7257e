import { setImmediate as turn } from "node:timers/promises";
import { startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { bytes, connect } from "../../src/index.ts";
import { KEYS, PARTITIONS, VALUE_BYTES } from "../bench/workload.ts";
import { settledBytes } from "./settled-heap.ts";
import { type SoakCheck, bytesCheck, countCheck } from "./soak-result.ts";

const MEBIBYTE = 1_048_576;
const BATCH = 1_000;
/** The consumer is never so far behind that retention could overtake it. */
const MOST_BEHIND = 20_000;
const RETENTION_BYTES = 8 * MEBIBYTE;
const SAMPLES = 10;
const ALLOWED_GROWTH_BYTES = 8 * MEBIBYTE;

/**
 * Many messages through one producer and one consumer. The heap is looked at after every tenth, collected: what it grows
 * by after the first tenth, when everything has been used once and retention is full, is growth.
 */
export async function flatHeap(messages: number, tell: (text: string) => void): Promise<readonly SoakCheck[]> {
  const emulator = await startMemoryEmulator();
  await emulator.createTopic("soak", { partitions: PARTITIONS, retentionBytes: RETENTION_BYTES });
  const connection = await connect(emulator.url);
  const topic = connection.topic("soak", { codec: bytes() });
  const producer = topic.producer();
  const consumer = topic.consumer({ group: "soak", concurrency: 16 });

  const latest = new Map<string | null, number>();
  let handled = 0;
  let inversions = 0;
  const running = consumer.run(({ key, value }) => {
    const number = Buffer.from(value.buffer, value.byteOffset, 4).readUInt32BE(0);
    if (number <= (latest.get(key) ?? -1)) inversions += 1;
    else latest.set(key, number);
    handled += 1;
  });

  const samples: number[] = [];
  for (let sent = 0; sent < messages; sent += BATCH) {
    while (sent - handled > MOST_BEHIND) await turn();
    await producer.sendBatch(Array.from({ length: BATCH }, (_, index) => message(sent + index)));
    if ((sent + BATCH) % (messages / SAMPLES) === 0) {
      while (handled < sent + BATCH) await turn();
      samples.push(await settledBytes());
      tell(`${(sent + BATCH).toLocaleString("en")} messages, ${(samples.at(-1)! / MEBIBYTE).toFixed(1)} MiB`);
    }
  }
  await connection.close();
  await running;
  await emulator.close();
  return [
    countCheck("messages handled", handled, messages),
    countCheck("key inversions or repeats", inversions, 0),
    bytesCheck("heap growth after the first tenth", Math.max(0, Math.max(...samples) - samples[0]!), ALLOWED_GROWTH_BYTES),
  ];
}

function message(number: number): { readonly key: string; readonly value: Uint8Array } {
  const value = Buffer.alloc(VALUE_BYTES, 0x2e);
  value.writeUInt32BE(number, 0);
  return { key: `key-${number % KEYS}`, value };
}
