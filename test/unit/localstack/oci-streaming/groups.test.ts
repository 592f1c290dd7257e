import { expect, test } from "vitest";
import { type EmulatedOciStreaming, startEmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { RawClients } from "./raw-clients.ts";
import { outcome, silenceTheSdk } from "./silent-sdk.ts";

silenceTheSdk();

async function start(): Promise<EmulatedOciStreaming> {
  return startEmulatedOciStreaming({ topics: { orders: { partitions: 2 } }, getsPerSecond: Infinity });
}

async function groupCursor(clients: RawClients, streamId: string, details: object = {}): Promise<string> {
  const createGroupCursorDetails = { groupName: "billing", instanceName: "one", type: "TRIM_HORIZON", ...details } as never;
  return (await clients.messages.createGroupCursor({ streamId, createGroupCursorDetails })).cursor.value;
}

/** By partition: the last committed offset, or null. */
async function committed(clients: RawClients, streamId: string): Promise<Record<string, number | null>> {
  const { group } = await clients.messages.getGroup({ streamId, groupName: "billing" });
  return Object.fromEntries(group.reservations!.map(({ partition, committedOffset }) => [partition!, committedOffset ?? null]));
}

test("a group reads all partitions, commits what it is told to, and a new cursor goes on from there", async () => {
  await using emulator = await start();
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const { entries } = await clients.put(
    streamId,
    Array.from({ length: 20 }, (_, index) => [`key-${index}`, String(index)] as const),
  );
  const countOf = (partition: string): number => entries.filter((entry) => entry.partition === partition).length;
  expect(countOf("0")).toBeGreaterThan(0);
  expect(await outcome(clients.messages.getGroup({ streamId, groupName: "billing" }))).toBe("404 NotAuthorizedOrNotFound");
  const first = await groupCursor(clients, streamId, { commitOnGet: false });
  expect(await committed(clients, streamId)).toEqual({ "0": null, "1": null });
  const one = await clients.get(streamId, first);
  const two = await clients.get(streamId, one.next);
  expect([...one.items, ...two.items]).toHaveLength(20);
  expect(new Set(one.items.map(({ partition }) => partition)).size).toBe(1);
  expect(await committed(clients, streamId)).toEqual({ "0": null, "1": null });
  const { cursor } = await clients.messages.consumerCommit({ streamId, cursor: one.next });
  const [done, open] = one.items[0]!.partition === "0" ? ["0", "1"] : ["1", "0"];
  expect(await committed(clients, streamId)).toEqual({ [done]: countOf(done) - 1, [open]: null });
  expect((await clients.get(streamId, cursor.value)).items).toEqual(two.items);
  const again = await clients.get(streamId, await groupCursor(clients, streamId, { type: "LATEST" }));
  expect(again.items).toEqual(two.items);
});

test("by default the next read commits what the former one has read", async () => {
  await using emulator = await start();
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const { entries } = await clients.put(streamId, [
    ["key", "0"],
    ["key", "1"],
  ]);
  const partition = entries[0]!.partition!;
  const page = await clients.get(streamId, await groupCursor(clients, streamId));
  expect((await committed(clients, streamId))[partition]).toBe(null);
  await clients.get(streamId, page.next);
  expect((await committed(clients, streamId))[partition]).toBe(1);
});

test("a heartbeat prolongs the reservation; a reset moves the group", async () => {
  await using emulator = await start();
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  await clients.put(streamId, [["key", "0"]]);
  const cursor = await groupCursor(clients, streamId, { timeoutInMs: 10_000 });
  const reservation = async (): Promise<string | null> =>
    (await clients.messages.getGroup({ streamId, groupName: "billing" })).group.reservations![0]!.reservedInstance ?? null;
  expect(await reservation()).toBe("one");
  emulator.advanceClock(8_000);
  await clients.messages.consumerHeartbeat({ streamId, cursor });
  emulator.advanceClock(8_000);
  expect(await reservation()).toBe("one");
  emulator.advanceClock(8_000);
  expect(await reservation()).toBe(null);
  const update = (details: object): Promise<string> =>
    outcome(clients.messages.updateGroup({ streamId, groupName: "billing", updateGroupDetails: details }));
  expect(await update({ type: "LATEST" })).toBe("done");
  expect((await clients.get(streamId, await groupCursor(clients, streamId))).items).toEqual([]);
  expect(await update({ type: "AT_TIME", time: new Date(0) })).toBe("done");
  expect((await clients.get(streamId, await groupCursor(clients, streamId))).values).toEqual(["0"]);
  expect(await update({ type: "AT_OFFSET" })).toBe("400 InvalidParameter");
});

test("a stream has at most 50 groups, and a cursor without one cannot commit", async () => {
  await using emulator = await start();
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  for (let count = 0; count < 50; count += 1) await groupCursor(clients, streamId, { groupName: `group-${count}` });
  expect(await outcome(groupCursor(clients, streamId, { groupName: "one too many" }))).toBe("400 LimitExceeded");
  const cursor = await clients.cursor(streamId, "0", "LATEST");
  expect(await outcome(clients.messages.consumerCommit({ streamId, cursor }))).toBe("400 InvalidParameter");
});
