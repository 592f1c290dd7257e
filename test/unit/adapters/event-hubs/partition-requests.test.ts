import { expect, test } from "vitest";
import { openWithOptions } from "../../../../adapters/event-hubs/open.ts";
import { channels } from "../../../../src/diagnostics/channels.ts";
import type { ReaderSink } from "../../../../src/driver/index.ts";
import { text } from "../../../../src/index.ts";
import { EventHubsWorld, GENEROUS } from "./event-hubs-world.ts";

const PARTITIONS = 4;

test("a reader asks a partition for its ends once for its start, its end and its first link", GENEROUS, async () => {
  await using world = await EventHubsWorld.start({ topics: { flights: { partitions: PARTITIONS } } });
  const connection = await world.connect();
  const topic = connection.topic("flights", { codec: text() });
  const producer = topic.producer();
  const sent = Array.from({ length: 40 }, (_, index) => String(index));
  await producer.sendBatch(sent.map((value) => ({ key: value, value })));
  await producer.close();
  let asked = 0;
  const count = (message: unknown): void => {
    if ((message as { readonly operation: string }).operation === "GetPartitionProperties") asked += 1;
  };
  channels.call.subscribe(count);
  try {
    const read: string[] = [];
    for await (const { value } of topic.reader({ from: "earliest", until: "now" })) read.push(value);
    expect(new Set(read)).toEqual(new Set(sent));
  } finally {
    channels.call.unsubscribe(count);
  }
  // A machine that takes a second between the two asks again for the links.
  expect(asked).toBeGreaterThanOrEqual(PARTITIONS);
  expect(asked).toBeLessThanOrEqual(2 * PARTITIONS);
});

test("a place that others have come to since the partition was asked is not taken for one behind its end", GENEROUS, async () => {
  await using world = await EventHubsWorld.start();
  const report = Object.assign(() => {}, { wants: () => false });
  const { connectionString } = world.emulator;
  const driver = openWithOptions({ connectionString, developmentEmulator: true }).open({ report });
  const over = new AbortController();
  const reader = driver.reader("flights");
  await reader.resolve({ from: { kind: "earliest" }, until: { kind: "now" }, partitions: null }, over.signal);
  const producer = (await world.connect()).topic("flights", { codec: text() }).producer();
  await producer.sendBatch(["0", "1", "2"].map((value) => ({ key: "key", value })));
  await producer.close();
  const read: string[] = [];
  const sink: ReaderSink = {
    deliver: async (_, records) => {
      read.push(...records.map(({ value }) => String(value)));
      over.abort();
      return false;
    },
    unreadable: async () => false,
    advanced: () => true,
    caughtUp: () => true,
    ended: () => {},
    appeared: () => {},
    gap: async () => {},
  };
  const range = { partition: "0", parents: [], start: { kind: "after", position: "1" }, end: null, gap: null } as const;
  await reader.read([range], sink, over.signal);
  expect(read).toHaveLength(1);
  await reader.close();
  await driver.close();
});
