import { expect, test } from "vitest";
import { startEmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { RawClients } from "./raw-clients.ts";
import { outcome, silenceTheSdk } from "./silent-sdk.ts";

silenceTheSdk();

test("a stream is created, used, updated and deleted, each in its time; a deleted one stays listed", async () => {
  await using emulator = await startEmulatedOciStreaming({ lifecycleMs: 60_000, clockAheadMs: -60_000 });
  using clients = new RawClients(emulator);
  const createStreamDetails = {
    name: "orders",
    partitions: 2,
    streamPoolId: emulator.streamPool,
    retentionInHours: 48,
    freeformTags: { team: "a" },
  };
  const { stream, opcWorkRequestId } = await clients.admin.createStream({ createStreamDetails });
  expect(stream).toMatchObject({
    name: "orders",
    partitions: 2,
    retentionInHours: 48,
    streamPoolId: emulator.streamPool,
    lifecycleState: "CREATING",
    messagesEndpoint: emulator.messagesEndpoint,
  });
  const streamId = stream.id;
  const state = async (): Promise<string> => (await clients.admin.getStream({ streamId })).stream.lifecycleState;
  expect(await outcome(clients.put(streamId, [["k", "v"]]))).toBe("409 IncorrectState");
  expect(await outcome(clients.admin.deleteStream({ streamId }))).toBe("409 IncorrectState");
  expect((await clients.admin.getWorkRequest({ workRequestId: opcWorkRequestId })).workRequest).toMatchObject({
    operationType: "CREATE_STREAM",
    status: "IN_PROGRESS",
  });
  emulator.advanceClock(60_000);
  expect(await state()).toBe("ACTIVE");
  expect((await clients.admin.getWorkRequest({ workRequestId: opcWorkRequestId })).workRequest.status).toBe("SUCCEEDED");
  await clients.put(streamId, [["k", "v"]]);
  const { etag } = await clients.admin.getStream({ streamId });
  const updateStreamDetails = { freeformTags: { team: "b" } };
  expect(await outcome(clients.admin.updateStream({ streamId, updateStreamDetails, ifMatch: "another" }))).toBe("412 NoEtagMatch");
  const updated = await clients.admin.updateStream({ streamId, updateStreamDetails, ifMatch: etag });
  expect(updated.stream).toMatchObject({ freeformTags: { team: "b" }, lifecycleState: "UPDATING" });
  expect(updated.etag).not.toBe(etag);
  expect(await outcome(clients.put(streamId, [["k", "v"]]))).toBe("done");
  emulator.advanceClock(60_000);
  await clients.admin.deleteStream({ streamId });
  expect(await state()).toBe("DELETING");
  expect(await outcome(clients.put(streamId, [["k", "v"]]))).toBe("404 NotAuthorizedOrNotFound");
  emulator.advanceClock(60_000);
  expect(await state()).toBe("DELETED");
  expect(await outcome(clients.admin.deleteStream({ streamId }))).toBe("404 NotAuthorizedOrNotFound");
  const again = await clients.admin.createStream({ createStreamDetails });
  expect(again.stream.id).not.toBe(streamId);
  const { items } = await clients.admin.listStreams({ streamPoolId: emulator.streamPool, name: "orders" });
  expect(items.map(({ id, lifecycleState }) => [id, lifecycleState])).toEqual([
    [again.stream.id, "CREATING"],
    [streamId, "DELETED"],
  ]);
});

test("lists come in pages of 10, at most 50, sorted and filtered", async () => {
  const names = Array.from({ length: 25 }, (_, index) => `topic-${String.fromCharCode(121 - index)}`);
  await using emulator = await startEmulatedOciStreaming({ topics: Object.fromEntries(names.map((name) => [name, {}])) });
  using clients = new RawClients(emulator);
  const list = { streamPoolId: emulator.streamPool };
  const sorted: string[] = [];
  let page: string | undefined;
  const lengths: number[] = [];
  do {
    const { items, opcNextPage } = await clients.admin.listStreams({
      ...list,
      sortBy: "NAME" as never,
      ...(page === undefined ? {} : { page }),
    });
    sorted.push(...items.map(({ name }) => name));
    lengths.push(items.length);
    page = opcNextPage ?? undefined;
  } while (page !== undefined);
  expect(lengths).toEqual([10, 10, 5]);
  expect(sorted).toEqual([...names].sort());
  const newest = await clients.admin.listStreams({ ...list, limit: 50 });
  expect(newest.items).toHaveLength(25);
  expect(newest.opcNextPage ?? null).toBeNull();
  expect(await outcome(clients.admin.listStreams({ ...list, limit: 51 }))).toBe("400 InvalidParameter");
  expect(await outcome(clients.admin.listStreams({ ...list, page: "nonsense" }))).toBe("400 InvalidParameter");
  expect((await clients.admin.listStreams({ ...list, lifecycleState: "active", limit: 50 })).items).toHaveLength(25);
  expect((await clients.admin.listStreams({ ...list, lifecycleState: "DELETED" })).items).toEqual([]);
  expect((await clients.admin.listStreams({ compartmentId: emulator.tenancy, name: "topic-b" })).items).toHaveLength(1);
});

test("wrong parameters are refused, and missing things look like forbidden ones", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, partitionLimit: 4 });
  using clients = new RawClients(emulator);
  const { streamPool: streamPoolId, tenancy: compartmentId } = emulator;
  const create = (details: object): Promise<string> =>
    outcome(clients.admin.createStream({ createStreamDetails: { name: "new", partitions: 1, streamPoolId, ...details } }));
  expect(await create({ name: "no spaces" })).toBe("400 InvalidParameter");
  expect(await create({ partitions: 0 })).toBe("400 InvalidParameter");
  expect(await create({ partitions: 4 })).toBe("400 LimitExceeded");
  expect(await create({ retentionInHours: 23 })).toBe("400 InvalidParameter");
  expect(await create({ retentionInHours: 169 })).toBe("400 InvalidParameter");
  expect(await create({ compartmentId })).toBe("400 InvalidParameter");
  expect(await create({ streamPoolId: "ocid1.streampool.oc1.phx.other" })).toBe("404 NotAuthorizedOrNotFound");
  expect(await create({ name: "orders" })).toBe("409 Conflict");
  expect(await create({ streamPoolId: undefined, compartmentId })).toBe("done");
  expect(await outcome(clients.admin.listStreams({}))).toBe("400 MissingParameter");
  expect(await outcome(clients.admin.listStreams({ streamPoolId, compartmentId }))).toBe("400 InvalidParameter");
  expect(await outcome(clients.admin.listStreams({ streamPoolId: "ocid1.streampool.oc1.phx.other" }))).toBe("404 NotAuthorizedOrNotFound");
  expect(await outcome(clients.admin.getStream({ streamId: "ocid1.stream.oc1.phx.other" }))).toBe("404 NotAuthorizedOrNotFound");
});

test("messages have an endpoint of their own", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} } });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  expect(emulator.messagesEndpoint).not.toBe(emulator.endpoint);
  clients.messages.endpoint = emulator.endpoint;
  expect(await outcome(clients.put(streamId, [["k", "v"]]))).toBe("404 NotFound");
  clients.admin.endpoint = emulator.messagesEndpoint;
  expect(await outcome(clients.admin.getStream({ streamId }))).toBe("404 NotFound");
  expect((await clients.send("PATCH", `${emulator.endpoint}/20180418/streams/${streamId}`, { body: "{}" })).status).toBe(405);
});

test("pools are created and found; two active streams may have one name where that is allowed", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, uniqueNames: false });
  using clients = new RawClients(emulator);
  const compartmentId = emulator.tenancy;
  const { streamPool } = await clients.admin.createStreamPool({ createStreamPoolDetails: { name: "other", compartmentId } });
  expect((await clients.admin.getStreamPool({ streamPoolId: streamPool.id })).streamPool).toMatchObject({
    name: "other",
    lifecycleState: "ACTIVE",
  });
  expect((await clients.admin.listStreamPools({ compartmentId })).items.map(({ name }) => name).sort()).toEqual(["DefaultPool", "other"]);
  await emulator.createTopic("orders");
  const list = { streamPoolId: emulator.streamPool, name: "orders" };
  expect((await clients.admin.listStreams({ ...list, lifecycleState: "ACTIVE" })).items).toHaveLength(2);
  expect((await clients.admin.listStreams({ ...list, streamPoolId: streamPool.id })).items).toEqual([]);
  await emulator.fail("orders");
  expect((await clients.admin.listStreams({ ...list, lifecycleState: "FAILED" })).items).toHaveLength(1);
  await expect(emulator.fail("missing")).rejects.toMatchObject({ code: "not-found" });
});

test("a change by the administration is carried out although its answer is lost", async () => {
  await using emulator = await startEmulatedOciStreaming();
  using clients = new RawClients(emulator);
  const createStreamDetails = { name: "orders", partitions: 1, streamPoolId: emulator.streamPool };
  emulator.inject({ kind: "fail-after-write", operation: "admin", topic: "orders" });
  expect(await outcome(clients.admin.createStream({ createStreamDetails }))).toBe("500 InternalServerError");
  expect((await clients.admin.listStreams({ streamPoolId: emulator.streamPool, name: "orders" })).items).toHaveLength(1);
});
