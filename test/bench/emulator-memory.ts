import { readFile } from "node:fs/promises";
import { type OutgoingMessage, bytes, connect } from "../../src/index.ts";
import { startEmulatorProcess } from "./emulator-process.ts";
import { PARTITIONS, batchesOf, workload } from "./workload.ts";

const MESSAGES = 200_000;
const BATCH = 1_000;
const FLIGHTS = new URL("../../localstack/demo/flights-20k.jsonl", import.meta.url);

/** What an emulator in its own process has grown by when it holds 200,000 messages, in megabytes. */
export async function memoryOfWorkload(): Promise<number> {
  return megabytesOf(workload(MESSAGES));
}

/** The same of the demo's flights, ten times over. */
export async function memoryOfFlights(): Promise<number> {
  const lines = (await readFile(FLIGHTS, "utf8")).trimEnd().split("\n");
  const flights = lines.map((line) => ({ key: (JSON.parse(line) as { origin: string }).origin, value: Buffer.from(line) }));
  return megabytesOf(Array.from({ length: MESSAGES }, (_, index) => flights[index % flights.length]!));
}

async function megabytesOf(messages: readonly OutgoingMessage<Uint8Array>[]): Promise<number> {
  await using emulator = await startEmulatorProcess("kafka");
  await using connection = await connect(emulator.url, { require: ["topicAdmin"] });
  await connection.admin.createTopic("memory", { partitions: PARTITIONS });
  const before = emulator.residentBytes();
  const producer = connection.topic("memory", { codec: bytes() }).producer();
  for (const batch of batchesOf(messages, BATCH)) await producer.sendBatch(batch);
  return (emulator.residentBytes() - before) / 1e6;
}
