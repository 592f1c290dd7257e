import { afterEach, expect, test, vi } from "vitest";
import { decodePosition, encodePosition } from "../../../../src/position/position.ts";
import { WAIT, keyed, member, stored } from "../members.ts";
import { OciWorld } from "./oci-world.ts";

const HOUR_MS = 3_600_000;

/** For the service and its client alike. */
function passHours(hours: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + hours * HOUR_MS });
}

afterEach(() => {
  vi.useRealTimers();
});

test("a group that had handled everything is caught up behind a stream that retention has emptied, and nothing is skipped", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  await producer.send({ value: "a 0" });
  const first = member(connection, "orders");
  await expect.poll(() => first.values, WAIT).toEqual(["a 0"]);
  // It has seen for some hours that nothing was behind.
  passHours(20);
  await expect.poll(async () => (await leaseColumns(world))["emptyUntilMs"] !== undefined, WAIT).toBe(true);
  await first.consumer.close();
  passHours(6);
  expect(await stored(connection, "orders")).toEqual([]);
  const second = member(connection, "orders");
  await expect.poll(() => second.consumer.status().state, WAIT).toBe("running");
  await keyed(connection, "orders").producer().send({ value: "a 1" });
  await expect.poll(() => second.values, WAIT).toEqual(["a 1"]);
  expect(second.failure).toBeNull();
});

async function leaseColumns(world: OciWorld): Promise<Readonly<Record<string, string>>> {
  const { streamPool } = world.emulator;
  const { text } = await world.raw.objects("GET", `${world.emulator.leases.bucket}/o/streamport/${streamPool}/orders/workers/partitions/0`);
  return JSON.parse(text) as Readonly<Record<string, string>>;
}

test("a group that was away for longer than retention learns of the gap", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect();
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  const first = member(connection, "orders");
  await expect.poll(() => first.values, WAIT).toEqual(["a 0"]);
  await first.consumer.close();
  await keyed(connection, "orders").producer().send({ value: "a 1" });
  passHours(25);
  const second = member(connection, "orders");
  await second.running;
  expect(second.failure).toMatchObject({ code: "position-out-of-range", topic: "orders", partition: "0" });
  const third = member(connection, "orders", { onGap: () => "continue" });
  await keyed(connection, "orders").producer().send({ value: "a 2" });
  await expect.poll(() => third.values, WAIT).toEqual(["a 2"]);
});

test("offsets that are left out are no gap", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } }, offsetGaps: true });
  const connection = await world.connect();
  const producer = keyed(connection, "orders").producer();
  const consuming = member(connection, "orders");
  const sent = Array.from({ length: 20 }, (_, number) => `a ${number}`);
  for (const [index, value] of sent.entries()) {
    await producer.send({ value });
    await expect.poll(() => consuming.values, WAIT).toEqual(sent.slice(0, index + 1));
    // The cursor is made anew behind the last message.
    world.emulator.inject({ kind: "expire-cursor", topic: "orders" });
  }
  expect(await stored(connection, "orders")).toEqual(sent);
});

test("a position behind the end is refused: the service has never given it", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect();
  const { position } = await keyed(connection, "orders").producer().send({ value: "a 0" });
  const at = encodePosition({ ...decodePosition(position!), position: "99" });
  const reading = keyed(connection, "orders").reader({ from: { at }, until: "now" });
  await expect(reading[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: "position-mismatch",
    message: expect.stringMatching(/behind the end of the partition/),
  });
});

test.each(["earliest", "a position"])("a cursor at %s that is refused for good ends the reader: nothing asks for ever", async (where) => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect();
  const { position } = await keyed(connection, "orders").producer().send({ value: "a 0" });
  world.emulator.answerWith({ operation: "CreateCursor", status: 400, code: "InvalidParameter", times: 10_000 });
  const reading = keyed(connection, "orders").reader({ from: where === "earliest" ? where : { at: position! }, until: "now" });
  await expect(reading[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "invalid-argument" });
  expect(world.emulator.callCount("CreateCursor")).toBeLessThan(5);
});

test("cursors that the service refuses one after the other end the reader as well", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect();
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  world.emulator.answerWith({ operation: "GetMessages", status: 400, code: "InvalidParameter", times: 10_000 });
  await expect(stored(connection, "orders")).rejects.toMatchObject({ code: "invalid-argument" });
  expect(world.emulator.callCount("GetMessages")).toBeLessThan(10);
});
