import { expect, test } from "vitest";
import { WAIT, keyed, keysOf, member, stored } from "../members.ts";
import { KinesisWorld } from "./kinesis-world.ts";

const KEYS = Array.from({ length: 50 }, (_, key) => `key-${key}`);

/** All messages of all keys, in the order of each key and once. */
function expectAll(values: readonly string[], each: number): void {
  expect(values).toHaveLength(KEYS.length * each);
  for (const [key, numbers] of keysOf(values)) expect(numbers, key).toEqual(Array.from({ length: each }, (_, number) => number));
}

test("within the rates of the service: two groups and two readers of each shard come to the end, and raw records keep their order", async () => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 2 } }, enforceRates: true });
  const connection = await world.connect({ envelope: "raw", pollMs: 200 });
  const members = [member(connection, "orders"), member(connection, "orders", { group: "others" })];
  const each = 80;
  // Twice as much as two shards take in a second.
  const messages = Array.from({ length: each }, (_, number) => KEYS.map((key) => ({ value: `${key} ${number}` }))).flat();
  await keyed(connection, "orders").producer().sendBatch(messages);
  for (const values of await Promise.all([stored(connection, "orders"), stored(connection, "orders")])) expectAll(values, each);
  for (const { values } of members) await expect.poll(() => values.length, WAIT).toBe(KEYS.length * each);
  for (const { values, failure } of members) {
    expectAll(values, each);
    expect(failure).toBeNull();
  }
});

test.each(["frame", "raw"] as const)(
  "with a tenth of all records refused for load, in %s, keys keep their order and nothing is stored twice",
  async (envelope) => {
    await using world = await KinesisWorld.start({ topics: { orders: { partitions: 4 } }, throttledEntries: 0.1 });
    const connection = await world.connect({ envelope });
    const producer = keyed(connection, "orders").producer();
    const each = 20;
    const sends = Array.from({ length: each }, async (_, number) => producer.sendBatch(KEYS.map((key) => ({ value: `${key} ${number}` }))));
    await Promise.all(sends);
    expectAll(await stored(connection, "orders"), each);
  },
);

test.each([
  ["by itself", 1],
  ["with its request", 0],
])("one invalid message among five hundred keys is refused %s, and fails alone", async (_, firstFaultTurn) => {
  await using world = await KinesisWorld.start({ topics: { orders: { partitions: 4 } }, firstFaultTurn });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  await producer.send({ value: "first 0" });
  world.emulator.inject({ kind: "fail-entry", topic: "orders" });
  const values = Array.from({ length: 500 }, (__, key) => `key-${key} 0`);
  const outcomes = await Promise.allSettled(values.map(async (value) => producer.send({ value })));
  const refused = values.filter((__, index) => outcomes[index]!.status === "rejected");
  expect(refused).toHaveLength(1);
  expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "invalid-argument" } });
  const wanted = ["first 0", ...values.filter((value) => value !== refused[0])];
  expect((await stored(connection, "orders")).toSorted()).toEqual(wanted.toSorted());
});
