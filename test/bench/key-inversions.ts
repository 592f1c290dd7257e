import { startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import type { FaultKind } from "../../src/driver/index.ts";
import { type ProducerOptions, type Receipt, type Topic, bytes, connect } from "../../src/index.ts";
import { ArrivalCheck, PARTITIONS, workload } from "./workload.ts";

const MESSAGES = 20_000;
const FAULTS: readonly FaultKind[] = ["throttle", "fail-before-write", "fail-after-write", "disconnect"];

/** On `memory:`, with calls that are refused, fail before and after the write, or lose their connection. */
export async function keyInversions(): Promise<number> {
  const emulator = await startMemoryEmulator({ topics: { bench: { partitions: PARTITIONS } }, delayMs: 1 });
  const connection = await connect(emulator.url);
  FAULTS.forEach((kind, index) => emulator.inject({ kind, after: 3 + index, times: 5 }));
  const topic = connection.topic("bench", { codec: bytes() });
  const inversions = await inversionsOf(topic, { retry: { initialDelayMs: 1, maxDelayMs: 10 } });
  await connection.close();
  await emulator.close();
  return inversions;
}

/**
 * Messages that were stored before an earlier one of their key: half of them sent in one tick, half over many.
 * @param halfway what happens to the provider when half of the second half has been sent
 */
export async function inversionsOf(
  topic: Topic<Uint8Array>,
  options: ProducerOptions,
  halfway: () => Promise<void> = async () => {},
): Promise<number> {
  const producer = topic.producer(options);
  const messages = workload(MESSAGES);
  const sends: Promise<Receipt>[] = messages.slice(0, MESSAGES / 2).map((message) => producer.send(message));
  let happening: Promise<void> | undefined;
  for (const message of messages.slice(MESSAGES / 2)) {
    sends.push(producer.send(message));
    if (sends.length === (MESSAGES / 4) * 3) happening = halfway();
    if (sends.length % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all([...sends, happening]);
  const check = new ArrivalCheck(MESSAGES);
  for await (const message of topic.reader({ until: "now" })) check.add(message);
  if (check.arrived !== MESSAGES) throw new Error(`${check.arrived} of ${MESSAGES} messages were stored`);
  return check.inversions;
}
