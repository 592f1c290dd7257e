import { expect, test } from "vitest";
import { WAIT, keyed, member } from "../members.ts";
import { OciWorld } from "./oci-world.ts";

async function place(world: OciWorld, partition: number): Promise<string | undefined> {
  const { streamPool } = world.emulator;
  const { status, text } = await world.raw.objects(
    "GET",
    `${world.emulator.leases.bucket}/o/streamport/${streamPool}/orders/workers/partitions/${partition}`,
  );
  return status === 200 ? (JSON.parse(text) as Readonly<Record<string, string>>)["place"] : undefined;
}

test.each([
  ["stored and answered with an error", { status: 500, code: "InternalServerError", isCarriedOut: true }],
  ["refused because somebody writes at the same time", { status: 409, code: "ConcurrentObjectUpdate" }],
  ["not answered by the service itself", { status: 504, code: null, isCarriedOut: true }],
])("a write of a lease that was %s loses nothing, and moves no place back", async (_, answer) => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 2 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders");
  await producer.send({ value: "a 0" });
  await expect.poll(() => consuming.values.length, WAIT).toBe(1);
  const places: number[][] = [[], []];
  for (let number = 1; number < 10; number += 1) {
    if (number % 3 === 1) world.emulator.answerWith({ operation: "PutObject", times: 2, ...answer });
    await producer.send({ value: `a ${number}` });
    await expect.poll(() => new Set(consuming.values).size, WAIT).toBe(number + 1);
    for (const partition of [0, 1]) {
      const [kind, offset] = (await place(world, partition))?.split(" ") ?? [];
      if (kind === "after") places[partition]!.push(Number(offset));
    }
  }
  for (const seen of places) expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  const first = [...new Set(consuming.values)];
  expect(first).toEqual(first.toSorted((a, b) => Number(a.split(" ")[1]) - Number(b.split(" ")[1])));
  await consuming.consumer.close();
  const next = member(connection, "orders");
  await producer.send({ value: "a 10" });
  await expect.poll(() => next.values, WAIT).toEqual(["a 10"]);
});

test("a bucket that is throttled for longer than a session stops nothing for good", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 2 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders", { sessionTimeoutMs: 3_000 });
  await producer.send({ value: "a 0" });
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  world.emulator.answerWith({ operation: "PutObject", status: 429, code: "TooManyRequests", times: 1_000_000 });
  await expect.poll(() => consuming.revoked.length, WAIT).toBeGreaterThan(0);
  world.emulator.clearFaults();
  await producer.send({ value: "a 1" });
  await expect.poll(() => consuming.values.at(-1), WAIT).toBe("a 1");
  expect(consuming.failure).toBeNull();
});

test("a bucket that is missing, or not permitted, is told by the check and by the group, with what to look at", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect({ leases: { namespace: world.emulator.leases.namespace, bucket: "none" } });
  const consuming = member(connection, "orders");
  await consuming.running;
  expect(consuming.failure).toMatchObject({ code: "permission-denied", message: expect.stringMatching(/no such pool, stream, bucket/) });
  const without = await world.connect({ leases: undefined });
  const homeless = member(without, "orders");
  await homeless.running;
  expect(homeless.failure).toMatchObject({ code: "configuration", message: expect.stringMatching(/groups need a place for their leases/) });
});

test("a member whose handler takes longer than its session goes on; one that stood still commits nothing after others have taken over", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const release = Promise.withResolvers<void>();
  const slow = member(connection, "orders", { sessionTimeoutMs: 3_000 }, async () => release.promise);
  await producer.send({ value: "a 0" });
  await expect.poll(() => slow.consumer.status().running, WAIT).toBe(1);
  await new Promise((resolve) => {
    setTimeout(resolve, 4_000);
  });
  expect([slow.revoked, slow.consumer.status().running]).toEqual([[], 1]);
  // As if it had stood still, and somebody else had come and gone.
  world.emulator.inject({ kind: "steal-partition", topic: "orders" });
  await expect.poll(() => slow.revoked, WAIT).toEqual(["0"]);
  const before = await place(world, 0);
  release.resolve();
  await slow.consumer.close();
  expect(before).toBe("earliest");
  const next = member(connection, "orders");
  await expect.poll(() => next.values, WAIT).toContain("a 0");
});

test("groups in this process need no bucket, and all connections of a driver object share them", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect({ leases: "memory" });
  const consuming = member(connection, "orders");
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  expect(await connection.admin.listGroups("orders")).toEqual(["workers"]);
  expect(world.emulator.callCount("PutObject")).toBe(0);
});

test("a group of a stream that was deleted and created again is refused until it is reset or deleted", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect();
  const first = member(connection, "orders");
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  await expect.poll(() => first.values, WAIT).toEqual(["a 0"]);
  await first.consumer.close();
  await connection.admin.deleteTopic("orders");
  await connection.admin.createTopic("orders");
  await keyed(connection, "orders").producer().send({ value: "a 1" });
  const refused = member(connection, "orders", { initialPosition: "latest" });
  await refused.running;
  expect(refused.failure).toMatchObject({ code: "position-mismatch", message: expect.stringMatching(/a former topic of this name/) });
  await connection.admin.resetGroup("orders", "workers", "earliest");
  const second = member(connection, "orders");
  await expect.poll(() => second.values, WAIT).toEqual(["a 1"]);
});
