import { setTimeout as sleep } from "node:timers/promises";
import { EventHubConsumerClient } from "@azure/event-hubs";
import { type Connection, bytes } from "../../src/index.ts";
import { collectGarbage } from "./cpu.ts";
import { batchesOf, workload } from "./workload.ts";

const IDLE_CYCLES = 3_000;
/** In place of 0.2 s. */
const CYCLE_MS = 10;
const IDLE_MS = IDLE_CYCLES * CYCLE_MS;
const PREFETCH = 300;
const MESSAGES = 100_000;
const VALUE_BYTES = 1_024;
const FLOOD_BATCH = 500;
const SLOW_MS = 50;
/** So many batches from one look at the memory to the next. */
const LOOK_EACH = 20;

/** What a reader of events with a slow handler holds at most, in bytes, when a flood comes after a long silence. */
async function heldAtMost(connection: Connection, topic: string, start: () => Promise<() => Promise<void>>): Promise<number> {
  const producer = connection.topic(topic, { codec: bytes() }).producer();
  const messages = batchesOf(workload(MESSAGES, VALUE_BYTES), FLOOD_BATCH);
  collectGarbage();
  const before = heldBytes();
  const end = await start();
  let most = 0;
  for (const [index, batch] of messages.entries()) {
    await producer.sendBatch(batch);
    if (index % LOOK_EACH !== 0) continue;
    collectGarbage();
    most = Math.max(most, heldBytes());
  }
  // What is still on its way.
  await sleep(SLOW_MS * 10);
  collectGarbage();
  most = Math.max(most, heldBytes());
  await end();
  await producer.close();
  return most - before;
}

function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export function rawIdleMemoryOf(connection: Connection, connectionString: string, topic: string): Promise<number> {
  return heldAtMost(connection, topic, async () => {
    const client = new EventHubConsumerClient("$Default", connectionString, topic);
    const idle = Promise.withResolvers<void>();
    let cycles = 0;
    const subscription = client.subscribe(
      "0",
      {
        processEvents: async (events) => {
          if (events.length > 0) return sleep(SLOW_MS);
          cycles += 1;
          if (cycles === IDLE_CYCLES) idle.resolve();
        },
        processError: async (error) => idle.reject(error),
      },
      { startPosition: { offset: "-1" }, maxBatchSize: 10, prefetchCount: PREFETCH, maxWaitTimeInSeconds: CYCLE_MS / 1_000 },
    );
    await idle.promise;
    return async () => {
      await subscription.close();
      await client.close();
    };
  });
}

/** A group that is as long without events. */
export function idleMemoryOf(connection: Connection, topic: string, group: string): Promise<number> {
  return heldAtMost(connection, topic, async () => {
    const consumer = connection.topic(topic, { codec: bytes() }).consumer({ group });
    const running = consumer.runBatches(() => sleep(SLOW_MS));
    await sleep(IDLE_MS);
    return async () => {
      await consumer.close();
      await running;
    };
  });
}
