import { expect, test } from "vitest";
import type { EventHubsCapability } from "../../../../adapters/event-hubs/driver.ts";
import { openWithOptions } from "../../../../adapters/event-hubs/open.ts";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import { type Connection, connect, text } from "../../../../src/index.ts";
import { BESIDE_OTHERS } from "./event-hubs-world.ts";

const KEYS = ["a", "b", "c"];

async function openHub(emulator: EmulatedEventHubs): Promise<Connection<EventHubsCapability>> {
  const { connectionString, checkpoints } = emulator;
  return connect(openWithOptions({ connectionString, checkpoints, developmentEmulator: true }));
}

async function send(connection: Connection, values: readonly (string | null)[], keys: readonly string[] = KEYS): Promise<void> {
  const producer = connection.topic("flights", { codec: text(), tombstones: true }).producer();
  await producer.sendBatch(keys.flatMap((key) => values.map((value) => ({ key, value }))));
  await producer.close();
}

async function readAll(connection: Connection): Promise<(string | null)[]> {
  const read: (string | null)[] = [];
  const topic = connection.topic("flights", { codec: text(), tombstones: true });
  for await (const { value } of topic.reader({ from: "earliest", until: "now" })) read.push(value);
  return read;
}

test("a group skips nothing in a hub with holes whose link is silent for seconds", BESIDE_OTHERS, async ({ expect }) => {
  await using emulator = await startEmulatedEventHubs({ topics: { flights: { partitions: 1, groups: ["delays"] } } });
  await using connection = await openHub(emulator);
  await send(connection, ["old", "new"]);
  await emulator.compact("flights");
  // Now the connection has seen the holes.
  expect(await readAll(connection)).toEqual(["new", "new", "new"]);
  emulator.inject({ kind: "stall", operation: "fetch", durationMs: 3_000, times: 3 });
  const handled: (string | null)[] = [];
  const consumer = connection
    .topic("flights", { codec: text(), tombstones: true })
    .consumer({ group: "delays", initialPosition: "earliest", sessionTimeoutMs: 6_000 });
  const running = consumer.run(({ value }) => void handled.push(value));
  await expect.poll(() => handled, { timeout: 20_000 }).toEqual(["new", "new", "new"]);
  await send(connection, ["later"]);
  await expect.poll(() => handled.slice(3), { timeout: 30_000 }).toEqual(["later", "later", "later"]);
  await consumer.close();
  await running;
});

test("a reader until now skips nothing when its links are silent one after the other", BESIDE_OTHERS, async () => {
  await using emulator = await startEmulatedEventHubs({ topics: { flights: { partitions: 1 } } });
  await using connection = await openHub(emulator);
  await send(connection, ["old", "new"]);
  await emulator.compact("flights");
  for (const times of [1, 3, 8]) {
    emulator.inject({ kind: "stall", operation: "fetch", durationMs: 2_500, times });
    expect(await readAll(connection), `${times} calls of readers are stalled`).toEqual(["new", "new", "new"]);
    emulator.clearFaults();
  }
});

test(
  "where compaction has removed the end, a reader until now ends, and a group stays behind what it has handled",
  BESIDE_OTHERS,
  async ({ expect }) => {
    await using emulator = await startEmulatedEventHubs({ topics: { flights: { partitions: 1, groups: ["delays"] } } });
    await using connection = await openHub(emulator);
    await send(connection, ["kept"]);
    await send(connection, ["gone", null], ["x"]);
    await emulator.compact("flights");
    expect(await readAll(connection)).toEqual(["kept", "kept", "kept"]);
    const handled: (string | null)[] = [];
    const topic = connection.topic("flights", { codec: text(), tombstones: true });
    const consumer = topic.consumer({ group: "delays", initialPosition: "earliest", sessionTimeoutMs: 6_000, commit: { everyMs: 10 } });
    const running = consumer.run(({ value }) => void handled.push(value));
    await expect.poll(() => handled, { timeout: 20_000 }).toEqual(["kept", "kept", "kept"]);
    await send(connection, ["later"], ["y"]);
    await expect.poll(() => handled.slice(3), { timeout: 20_000 }).toEqual(["later"]);
    await consumer.close();
    await running;
  },
);

test.for([
  ["a group", 0],
  ["a group whose first look stays in doubt, because the service is slow meanwhile,", 6],
] as const)(
  "%s finds within seconds that compaction has removed the end, and has no lag then",
  BESIDE_OTHERS,
  async ([, stalls], { expect }) => {
    await using emulator = await startEmulatedEventHubs({ topics: { flights: { partitions: 1, groups: ["delays"] } } });
    await using connection = await openHub(emulator);
    await send(connection, ["kept"]);
    // Now the connection knows how large events are, so that links have much credit, and are soon replaced.
    expect(await readAll(connection)).toEqual(["kept", "kept", "kept"]);
    await send(connection, ["gone", null], ["x"]);
    await emulator.compact("flights");
    const handled: (string | null)[] = [];
    const topic = connection.topic("flights", { codec: text(), tombstones: true });
    const consumer = topic.consumer({ group: "delays", initialPosition: "earliest", commit: { everyMs: 10 } });
    const running = consumer.run(({ value }) => void handled.push(value));
    await expect.poll(() => handled, { timeout: 15_000 }).toEqual(["kept", "kept", "kept"]);
    if (stalls > 0) emulator.inject({ kind: "stall", operation: "fetch", durationMs: 2_000, times: stalls });
    const lag = async (): Promise<number | null> => (await connection.admin.lag("flights", "delays")).messages;
    await expect.poll(lag, { timeout: 15_000 }).toBe(0);
    expect(handled).toEqual(["kept", "kept", "kept"]);
    await consumer.close();
    await running;
  },
);
