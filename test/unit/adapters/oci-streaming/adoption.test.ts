import { expect, test } from "vitest";
import { WAIT, keyed, member } from "../members.ts";
import { OciWorld } from "./oci-world.ts";

const ADOPTED = { workers: "service:old-workers" };
const SESSION_MS = 1_000;

/** A group of the service that has handled what there is, and whose consumer has been stopped. */
async function serviceGroup(world: OciWorld, streamId: string, groupName: string): Promise<void> {
  const createGroupCursorDetails = { groupName, type: "TRIM_HORIZON" as never, commitOnGet: false, timeoutInMs: SESSION_MS };
  const { cursor } = await world.raw.messages.createGroupCursor({ streamId, createGroupCursorDetails });
  let next = cursor.value;
  for (;;) {
    const page = await world.raw.get(streamId, next);
    next = page.next;
    if (page.values.length === 0) break;
  }
  await world.raw.messages.consumerCommit({ streamId, cursor: next });
}

test("a group of the service is adopted: each partition goes on behind its committed offset, once, and its own cursors are not used", async () => {
  // Offsets that no number of JavaScript holds.
  await using world = await OciWorld.start({ topics: { orders: { partitions: 2 } }, firstOffset: 2n ** 60n + 1n });
  const streamId = await world.raw.streamId("orders");
  await world.raw.put(streamId, [
    ["a", "a 0"],
    ["b", "b 0"],
    ["c", "c 0"],
  ]);
  await serviceGroup(world, streamId, "old-workers");
  world.emulator.advanceClock(2 * SESSION_MS);
  const calls = ["CreateGroupCursor", "ConsumerCommit", "ConsumerHeartbeat", "UpdateGroup"];
  const before = calls.map((operation) => world.emulator.callCount(operation));
  const connection = await world.connect({ envelope: "raw" }, ADOPTED);
  const first = member(connection, "orders");
  await keyed(connection, "orders")
    .producer()
    .sendBatch([{ value: "a 1" }, { value: "b 1" }, { value: "c 1" }]);
  await expect.poll(() => first.values.toSorted(), WAIT).toEqual(["a 1", "b 1", "c 1"]);
  await first.consumer.close();
  // From here on the group is its own: what the former one has committed counts no more.
  const second = member(connection, "orders");
  await keyed(connection, "orders").producer().send({ value: "a 2" });
  await expect.poll(() => second.values, WAIT).toEqual(["a 2"]);
  expect(calls.map((operation) => world.emulator.callCount(operation))).toEqual(before);
  expect(world.emulator.callCount("GetGroup")).toBe(1);
  await second.consumer.close();
  expect((await connection.admin.describeGroup("orders", "workers")).nativeName).toBe(ADOPTED.workers);
  expect(await connection.admin.listGroups("orders")).toEqual(["workers"]);
});

test("where the service's group has committed nothing, the beginning counts, or the time that the member asks for, never the end", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const streamId = await world.raw.streamId("orders");
  await world.raw.put(streamId, [["a", "a 0"]]);
  const createGroupCursorDetails = { groupName: "old-workers", type: "LATEST" as never, timeoutInMs: SESSION_MS };
  await world.raw.messages.createGroupCursor({ streamId, createGroupCursorDetails });
  world.emulator.advanceClock(2 * SESSION_MS);
  const connection = await world.connect({ envelope: "raw" }, ADOPTED);
  const consuming = member(connection, "orders", { initialPosition: "latest" });
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
});

test("a running consumer of the service's group is a conflict, which says until when", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const streamId = await world.raw.streamId("orders");
  await serviceGroup(world, streamId, "old-workers");
  const connection = await world.connect({}, ADOPTED);
  const consuming = member(connection, "orders");
  await consuming.running;
  expect(consuming.failure).toMatchObject({
    code: "conflict",
    message: expect.stringMatching(/hold partitions until \d{4}-.*: stop them/),
  });
});

test("a group that the service does not have, or does not show, is an error: to begin elsewhere could leave messages out", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect({}, ADOPTED);
  const consuming = member(connection, "orders");
  await consuming.running;
  expect(consuming.failure).toMatchObject({
    code: "not-found",
    message: expect.stringMatching(/no group "old-workers" of this stream, or these credentials do not permit to read it/),
  });
});

test("what retention has removed behind the committed offset is a gap", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const streamId = await world.raw.streamId("orders");
  await world.raw.put(streamId, [["a", "a 0"]]);
  await serviceGroup(world, streamId, "old-workers");
  world.emulator.advanceClock(2 * SESSION_MS);
  await world.raw.put(streamId, [["a", "a 1"]]);
  await world.emulator.expire("orders");
  await world.raw.put(streamId, [["a", "a 2"]]);
  const connection = await world.connect({ envelope: "raw" }, ADOPTED);
  const consuming = member(connection, "orders");
  await consuming.running;
  expect(consuming.failure).toMatchObject({ code: "position-out-of-range" });
});

test("other native names are only names", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const connection = await world.connect({}, { workers: "old-workers" });
  const consuming = member(connection, "orders");
  await keyed(connection, "orders").producer().send({ value: "a 0" });
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
  expect(world.emulator.callCount("GetGroup")).toBe(0);
});

test("a reset begins the group where it is asked to, whatever the service's group has committed", async () => {
  await using world = await OciWorld.start({ topics: { orders: { partitions: 1 } } });
  const streamId = await world.raw.streamId("orders");
  await world.raw.put(streamId, [["a", "a 0"]]);
  await serviceGroup(world, streamId, "old-workers");
  world.emulator.advanceClock(2 * SESSION_MS);
  const connection = await world.connect({ envelope: "raw" }, ADOPTED);
  await connection.admin.resetGroup("orders", "workers", "earliest");
  const consuming = member(connection, "orders");
  await expect.poll(() => consuming.values, WAIT).toEqual(["a 0"]);
});
