import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startMemoryEmulator } from "../../localstack/memory-emulator.ts";
import { type Consumer, type Message, type MessageHandler, bytes, connect } from "../../src/index.ts";
import type { FaultKind } from "../../src/driver/index.ts";
import { ArrivalCheck, PARTITIONS, batchesOf, workload } from "../bench/workload.ts";

const MESSAGES = 600_000;
const GROUP = "storm";
const MEMBERS = 4;

/** A small generator of pseudo-random numbers below `limit`, so that a storm can be repeated. */
function dice(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const FAULTS: readonly FaultKind[] = [
  "throttle",
  "fail-before-write",
  "fail-after-write",
  "disconnect",
  "stall",
  "expire-cursor",
  "steal-partition",
  "lose-coordinator",
  "restart",
];

test.each([1, 2, 3])("storm %i: members come and go under every fault; nothing is lost, no key out of order", async (seed) => {
  const roll = dice(seed);
  const emulator = await startMemoryEmulator({ topics: { storm: { partitions: PARTITIONS } }, delayMs: 1 });
  const connection = await connect(emulator.url);
  const topic = connection.topic("storm", { codec: bytes() });
  const handled = new ArrivalCheck(MESSAGES);
  let handling = true;

  const handler: MessageHandler<Uint8Array> = async (message: Message<Uint8Array>, { signal }) => {
    // Sometimes it takes a turn, sometimes it fails: as handlers do.
    const luck = roll(1_000);
    if (luck < 300) await turn();
    if (luck < 2) throw new Error("bad luck");
    if (!signal.aborted) handled.add(message);
  };
  const member = async (): Promise<void> => {
    while (handling) {
      const consumer: Consumer<Uint8Array> = topic.consumer({
        group: GROUP,
        concurrency: 16,
        retry: { initialDelayMs: 1, maxDelayMs: 10, maxAttempts: 20 },
        sessionTimeoutMs: 2_000,
        commit: { everyMs: 50 },
      });
      const running = consumer.run(handler);
      const stay = 200 + roll(1_500);
      for (let waited = 0; waited < stay && handling; waited += 20) await sleep(20);
      await consumer.close();
      await running;
    }
  };
  const trouble = async (): Promise<void> => {
    while (handling) {
      emulator.inject({ kind: FAULTS[roll(FAULTS.length)]!, after: roll(20), durationMs: 50 });
      await sleep(20 + roll(80));
    }
  };

  const members = Array.from({ length: MEMBERS }, member);
  const troubles = trouble();
  const producer = topic.producer({ retry: { initialDelayMs: 1, maxDelayMs: 20 } });
  // At a pace that leaves time for many members to come and go.
  for (const batch of batchesOf(workload(MESSAGES), 1_000)) await Promise.all([producer.sendBatch(batch), sleep(30)]);
  const deadline = performance.now() + 120_000;
  while (handled.arrived < MESSAGES && performance.now() < deadline) await sleep(50);
  handling = false;
  await Promise.all([...members, troubles]);

  const stored = new ArrivalCheck(MESSAGES);
  for await (const message of topic.reader({ until: "now" })) stored.add(message);
  await connection.close();
  await emulator.close();
  expect({ arrived: stored.arrived, inversions: stored.inversions }).toEqual({ arrived: MESSAGES, inversions: 0 });
  expect({ arrived: handled.arrived, inversions: handled.inversions }).toEqual({ arrived: MESSAGES, inversions: 0 });
});
