import { startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { type Producer, type Receipt, bytes, connect } from "../../src/index.ts";
import { collectGarbage } from "./cpu.ts";
import { PARTITIONS, workload } from "./workload.ts";

const SENDS = 50_000;

/** On `memory:`. */
export async function inFlightHeapBytes(): Promise<number> {
  const emulator = await startMemoryEmulator({ topics: { bench: { partitions: PARTITIONS } } });
  const connection = await connect(emulator.url);
  const producer = connection.topic("bench", { codec: bytes() }).producer();
  const held = await heapOfSends(producer, () => emulator.inject({ kind: "stall", times: 1_000_000, durationMs: 1_500 }));
  await connection.close();
  await emulator.close();
  return held;
}

/**
 * Bytes of heap that one `send` holds until it settles. Keys and values were there before and are not counted.
 * @param stall from then on nothing is answered for at least a second
 * @param goOn answers again
 */
export async function heapOfSends(
  producer: Producer<Uint8Array>,
  stall: () => void | Promise<void>,
  goOn: () => void | Promise<void> = () => {},
): Promise<number> {
  const messages = workload(SENDS);
  await producer.send(messages[0]!);
  await stall();
  const sends = new Array<Promise<Receipt>>(SENDS);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < SENDS; index += 1) sends[index] = producer.send(messages[index]!);
  // Calls have been formed and are at the driver; nothing has settled.
  await new Promise((resolve) => setTimeout(resolve, 300));
  collectGarbage();
  const after = process.memoryUsage().heapUsed;
  await goOn();
  const receipts = await Promise.all(sends);
  if (receipts.length !== SENDS) throw new Error("not every send was measured");
  return (after - before) / SENDS;
}
