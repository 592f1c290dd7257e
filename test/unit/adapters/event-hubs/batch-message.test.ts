import { type EventDataBatch, EventHubProducerClient } from "@azure/event-hubs";
import { expect, test } from "vitest";
import { BatchBuffers } from "../../../../adapters/event-hubs/produce/batch-buffers.ts";
import { batchMessage } from "../../../../adapters/event-hubs/produce/batch-message.ts";
import { fillBatch, takesOwnMessages } from "../../../../adapters/event-hubs/produce/fill-batch.ts";
import { outgoingEvent } from "../../../../adapters/event-hubs/produce/outgoing-event.ts";
import type { OutgoingRecord } from "../../../../src/driver/index.ts";
import { bytes } from "../../../../src/index.ts";
import { EventHubsWorld } from "./event-hubs-world.ts";

function record(key: string | null, value: string | null, headers: readonly (readonly [string, string | null])[] = []): OutgoingRecord {
  const encoded = (text: string | null): Uint8Array | null => (text === null ? null : new TextEncoder().encode(text));
  const list = headers.map(([name, text]) => [name, encoded(text)] as const);
  return { key: encoded(key), value: encoded(value), headers: list, timestampMs: null, toPartition: undefined };
}

const long = "ü".repeat(200);
const RECORDS: readonly OutgoingRecord[] = [
  record("key", "value"),
  record(null, "value"),
  record("key", null),
  record(null, ""),
  record("k", "v".repeat(255)),
  record("k", "v".repeat(256)),
  record("€".repeat(42), long.repeat(500)),
  record("key", "value", [["a", "b"]]),
  record("key", null, [["a", "b"]]),
  record("key", "value", [
    ["ä", long],
    [long, "ä"],
    ["empty", ""],
    ["__proto__", "lost"],
    ["none", null],
  ]),
  record(
    "key",
    "value",
    Array.from({ length: 300 }, (_, index) => [`name-${index}`, "x".repeat(index)] as const),
  ),
];

test("a batch is written as the SDK writes it", async () => {
  await using world = await EventHubsWorld.start();
  const client = new EventHubProducerClient(world.emulator.connectionString, "flights");
  try {
    const batches = [RECORDS, RECORDS.toReversed(), ...RECORDS.map((one) => [one]), ...RECORDS.map((one) => [one, RECORDS[0]!])];
    for (const records of batches) {
      const batch = await client.createBatch({ partitionId: "0" });
      for (const each of records) expect(batch.tryAdd(outgoingEvent(each))).toBe(true);
      const { _generateMessage: generate } = batch as unknown as { readonly _generateMessage: (this: typeof batch) => Buffer };
      const message = batchMessage(records);
      expect(message.equals(generate.call(batch))).toBe(true);
      // So the SDK's own limit is this one.
      expect(message.length).toBe(batch.sizeInBytes);
    }
    expect(takesOwnMessages(await client.createBatch())).toBe(true);
  } finally {
    await client.close();
  }
});

test("the SDK's own writer is used where a batch has other parts inside, or adds to the events", async () => {
  await using world = await EventHubsWorld.start();
  const client = new EventHubProducerClient(world.emulator.connectionString, "flights");
  try {
    const batch = async (other: object) => Object.assign(await client.createBatch({ partitionId: "0" }), other);
    expect(takesOwnMessages(await batch({ _generateMessage: undefined }))).toBe(false);
    expect(takesOwnMessages(await batch({ _generateMessage: () => Buffer.from("other") }))).toBe(false);
    expect(takesOwnMessages(await batch({ tryAdd: () => false }))).toBe(false);
    for (const buffers of [new BatchBuffers(), null]) {
      const filled = await batch({});
      expect(fillBatch(filled, RECORDS, buffers)).not.toBeNull();
      expect(filled.count).toBe(RECORDS.length);
      await client.sendBatch(filled);
      const small = await client.createBatch({ partitionId: "0", maxSizeInBytes: batchMessage(RECORDS).length - 1 });
      expect(fillBatch(small, RECORDS, buffers)).toBeNull();
    }
    const topic = (await world.connect()).topic("flights", { codec: bytes(), tombstones: true });
    const read = [];
    for await (const batchOf of topic.reader({ until: "now" }).batches()) for (const one of batchOf) read.push(one);
    expect(read).toHaveLength(2 * RECORDS.length);
  } finally {
    await client.close();
  }
});

test("memory is used again once a batch is stored, never before, and not without bound", () => {
  const buffers = new BatchBuffers();
  const batch = (): EventDataBatch => ({ maxSizeInBytes: 1_048_576 }) as EventDataBatch;
  const messageOf = (one: EventDataBatch): Buffer => (one as unknown as { _generateMessage(): Buffer })._generateMessage();
  const [first, second, third] = [batch(), batch(), batch()];
  const onStored = fillBatch(first, [record("a", "first")], buffers);
  fillBatch(second, [record("b", "second")], buffers);
  expect(messageOf(second).buffer).not.toBe(messageOf(first).buffer);
  expect(messageOf(first)).toEqual(batchMessage([record("a", "first")]));
  const { buffer } = messageOf(first);
  onStored?.();
  // A second call would lend the same memory twice.
  onStored?.();
  fillBatch(third, [record("c", "third")], buffers);
  expect(messageOf(third).buffer).toBe(buffer);
  expect(buffers.take(1).buffer).not.toBe(buffer);

  const taken = Array.from({ length: 100 }, () => buffers.take(1_000_000));
  for (const each of taken) buffers.giveBack(each);
  const again = Array.from({ length: 100 }, () => buffers.take(1_000_000));
  expect(again.filter((each) => taken.includes(each))).toHaveLength(4);
});
