import { EventHubProducerClient } from "@azure/event-hubs";
import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";
import type { Fault } from "../../../../src/driver/index.ts";
import { startEmulatorProcess } from "../../../bench/emulator-process.ts";
import { EARLIEST, NO_RETRIES, bodies, rawProducer, read, rejection, until } from "./raw-client.ts";

let emulator: EmulatedEventHubs;

beforeEach(async () => {
  emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 2 }, payments: { partitions: 1 } } });
});

afterEach(async () => {
  await emulator.close();
});

const KEPT = { partitionId: "0" };

async function stored(hub = "orders"): Promise<readonly string[]> {
  await using producer = rawProducer(emulator, hub);
  const { lastEnqueuedSequenceNumber } = await producer.getPartitionProperties("0");
  await using subscription = read(emulator, hub, "0", EARLIEST);
  return bodies(await subscription.received(lastEnqueuedSequenceNumber + 1));
}

function event(text: string): { readonly body: Buffer } {
  return { body: Buffer.from(text) };
}

function checkpoints(): ContainerClient {
  const service = BlobServiceClient.fromConnectionString(emulator.storageConnectionString, { retryOptions: { maxTries: 1 } });
  return service.getContainerClient(emulator.checkpointContainer);
}

describe("of publishing", () => {
  test("throttle, counted by topic", async () => {
    await using orders = rawProducer(emulator, "orders");
    await using payments = rawProducer(emulator, "payments");
    emulator.inject({ kind: "throttle", topic: "orders", after: 1, times: 2 });
    await payments.sendBatch([event("p")], KEPT);
    await orders.sendBatch([event("1")], KEPT);
    expect((await rejection(orders.sendBatch([event("2")], KEPT))).code).toBe("ServerBusyError");
    await payments.sendBatch([event("p")], KEPT);
    expect((await rejection(orders.sendBatch([event("3")], KEPT))).code).toBe("ServerBusyError");
    await orders.sendBatch([event("4")], KEPT);
    expect(await stored()).toEqual(["1", "4"]);
  });

  test.each([
    [0, "InternalServerError"],
    [1, "ServiceUnavailableError"],
  ])("fail-before-write, variant %d: %s", async (turn, code) => {
    await emulator.close();
    emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 2 } }, firstFaultTurn: turn });
    await using producer = rawProducer(emulator, "orders");
    emulator.inject({ kind: "fail-before-write", topic: "orders" });
    expect(await rejection(producer.sendBatch([event("1")], KEPT))).toMatchObject({ code, retryable: true });
    await producer.sendBatch([event("2")], KEPT);
    expect(await stored()).toEqual(["2"]);
  });

  test.each([
    ["fail-before-write", 2, ["3"]],
    ["fail-before-write", 3, ["3"]],
    ["fail-after-write", 1, ["1", "3"]],
    ["fail-after-write", 2, ["1", "3"]],
  ] as const)("%s, variant %d, without an answer: the SDK waits for its time-out", async (kind, turn, expected) => {
    await emulator.close();
    emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 2 } }, firstFaultTurn: turn });
    await using producer = rawProducer(emulator, "orders", { retryOptions: { maxRetries: 0, timeoutInMs: 600 } });
    await producer.getPartitionIds();
    emulator.inject({ kind, topic: "orders" });
    expect(await rejection(producer.sendBatch([event("1")], KEPT))).toMatchObject({ code: "OperationTimeoutError" });
    await producer.sendBatch([event("3")], KEPT);
    expect(await stored()).toEqual(expected);
  });

  test("fail-after-write with an answer", async () => {
    await using producer = rawProducer(emulator, "orders");
    emulator.inject({ kind: "fail-after-write", topic: "orders" });
    expect((await rejection(producer.sendBatch([event("1")], KEPT))).code).toBe("ServiceUnavailableError");
    expect(await stored()).toEqual(["1"]);
  });

  test("fail-entry: one event is invalid until it is alone", async () => {
    await using producer = rawProducer(emulator, "orders");
    emulator.inject({ kind: "fail-entry", topic: "orders" });
    expect(await rejection(producer.sendBatch([event("1"), event("2"), event("3")], KEPT))).toMatchObject({
      code: "ArgumentError",
      retryable: false,
    });
    expect((await rejection(producer.sendBatch([event("2"), event("3")], KEPT))).code).toBe("ArgumentError");
    await producer.sendBatch([event("1"), event("3")], KEPT);
    expect((await rejection(producer.sendBatch([event("2")], KEPT))).code).toBe("ArgumentError");
    await producer.sendBatch([event("2")], KEPT);
    expect(await stored()).toEqual(["1", "3", "2"]);
  });

  test("stall holds up the calls of its link, in order", async () => {
    await using producer = rawProducer(emulator, "orders");
    await producer.sendBatch([event("0")], KEPT);
    emulator.inject({ kind: "stall", topic: "orders", durationMs: 300, operation: "publish" });
    const startedAt = performance.now();
    await Promise.all(["1", "2", "3"].map(async (text) => producer.sendBatch([event(text)], KEPT)));
    expect(performance.now() - startedAt).toBeGreaterThan(280);
    expect(await stored()).toEqual(["0", "1", "2", "3"]);
  });

  test("clearing makes an invalid event valid again, and withdraws the rest", async () => {
    await using producer = rawProducer(emulator, "orders");
    emulator.inject({ kind: "fail-entry", topic: "orders", times: 9 });
    await rejection(producer.sendBatch([event("1")], KEPT));
    await rejection(producer.sendBatch([event("1"), event("2")], KEPT));
    emulator.clearFaults();
    await producer.sendBatch([event("1"), event("2")], KEPT);
    expect(await stored()).toEqual(["1", "2"]);
  });
});

describe("of any call", () => {
  test.each([0, 1, 2])("disconnect, variant %d: the next call needs another connection", async (firstFaultTurn) => {
    await emulator.close();
    emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 2 } }, firstFaultTurn });
    await using producer = rawProducer(emulator, "orders", { retryOptions: { maxRetries: 0, timeoutInMs: 600 } });
    await producer.sendBatch([event("1")], KEPT);
    emulator.inject({ kind: "disconnect", topic: "orders" });
    expect((await rejection(producer.sendBatch([event("2")], KEPT))).code).toBe("OperationTimeoutError");
    await producer.sendBatch([event("3")], KEPT);
    expect(await stored()).toEqual(["1", "3"]);
  });

  test("refuse-authorization: publishing, reading, properties, and blobs of the group", async () => {
    const once: Fault = { kind: "refuse-authorization", topic: "orders" };
    await using producer = rawProducer(emulator, "orders");
    emulator.inject(once);
    expect((await rejection(producer.getEventHubProperties())).code).toBe("UnauthorizedError");
    emulator.inject(once);
    expect((await rejection(producer.sendBatch([event("1")], KEPT))).code).toBe("UnauthorizedError");
    await producer.sendBatch([event("2")], KEPT);
    emulator.inject(once);
    expect((await rejection(producer.sendBatch([event("3")], KEPT))).message).toMatch(/'Send' claim\(s\) are required/);
    emulator.inject(once);
    await using subscription = read(emulator, "orders", "0", EARLIEST);
    expect((await subscription.failed()).message).toMatch(/'Listen' claim\(s\) are required/);
    emulator.inject(once);
    const blob = checkpoints().getBlockBlobClient("host/orders/$default/ownership/0");
    await expect(blob.getProperties()).rejects.toMatchObject({ statusCode: 403 });
  });

  test("restart: everything that was stored is there again, at the same address", async () => {
    await using producer = rawProducer(emulator, "orders", { retryOptions: { maxRetries: 0, timeoutInMs: 600 } });
    await producer.sendBatch([event("1")], KEPT);
    await checkpoints().getBlockBlobClient("host/orders/g/checkpoint/0").upload("", 0);
    await using subscription = read(emulator, "orders", "0", EARLIEST, {
      maxWaitTimeInSeconds: 0.2,
      client: { retryOptions: { maxRetries: 200, retryDelayInMs: 20 } },
    });
    await subscription.received(1);
    emulator.inject({ kind: "restart", operation: "publish" });
    expect((await rejection(producer.sendBatch([event("2")], KEPT))).code).toBe("OperationTimeoutError");
    await using again = rawProducer(emulator, "orders", { retryOptions: { maxRetries: 200, retryDelayInMs: 20 } });
    await again.sendBatch([event("3")], KEPT);
    expect(bodies(await subscription.received(2))).toEqual(["1", "3"]);
    expect(await checkpoints().getBlockBlobClient("host/orders/g/checkpoint/0").exists()).toBe(true);
  });
});

describe("of groups", () => {
  test("steal-partition ends the receiver with an epoch, and gives the ownership to another one", async () => {
    const ownership = checkpoints().getBlockBlobClient("host/orders/$default/ownership/1");
    const checkpoint = checkpoints().getBlockBlobClient("host/orders/$default/checkpoint/1");
    const { etag: owned } = await ownership.upload("", 0, { metadata: { ownerid: "me" } });
    const { etag: written } = await checkpoint.upload("", 0, { metadata: { offset: "5", sequencenumber: "2" } });
    await using subscription = read(emulator, "orders", "1", EARLIEST, { ownerLevel: 3, maxWaitTimeInSeconds: 0.2 });
    await using producer = rawProducer(emulator, "orders");
    await producer.sendBatch([event("1")], { partitionId: "1" });
    await subscription.received(1);
    emulator.inject({ kind: "steal-partition", topic: "orders", partition: "1" });
    expect(await subscription.failed()).toMatchObject({
      code: "ReceiverDisconnectedError",
      message: expect.stringMatching(/higher epoch of '4'/),
    });
    await expect(ownership.setMetadata({ ownerid: "me" }, { conditions: { ifMatch: owned! } })).rejects.toMatchObject({ statusCode: 412 });
    await expect(checkpoint.setMetadata({ offset: "6" }, { conditions: { ifMatch: written! } })).rejects.toMatchObject({ statusCode: 412 });
    // The thief has given it up.
    expect((await ownership.getProperties()).metadata?.["ownerid"] ?? "").toBe("");
    expect((await checkpoint.getProperties()).metadata).toEqual({ offset: "5", sequencenumber: "2" });
  });

  test("steal-partition of commits waits for a write that moves the checkpoint", async () => {
    const ownership = checkpoints().getBlockBlobClient("host/orders/$default/ownership/0");
    const checkpoint = checkpoints().getBlockBlobClient("host/orders/$default/checkpoint/0");
    await ownership.upload("", 0, { metadata: { ownerid: "me" } });
    const { etag } = await checkpoint.upload("", 0, { metadata: { offset: "5", sequencenumber: "2" } });
    emulator.inject({ kind: "steal-partition", topic: "orders", partition: "0", operation: "commit" });
    await ownership.setMetadata({ ownerid: "me" });
    const { etag: kept } = await checkpoint.setMetadata({ offset: "5", sequencenumber: "2" }, { conditions: { ifMatch: etag! } });
    expect((await ownership.getProperties()).metadata).toEqual({ ownerid: "me" });
    const moved = checkpoint.setMetadata({ offset: "9", sequencenumber: "3" }, { conditions: { ifMatch: kept! } });
    await expect(moved).rejects.toMatchObject({ statusCode: 412, code: "ConditionNotMet" });
  });

  test("lose-coordinator takes the owner from every partition of the topic", async () => {
    const container = checkpoints();
    for (const name of ["orders/g/ownership/0", "orders/h/ownership/1", "payments/g/ownership/0"]) {
      await container.getBlockBlobClient(`host/${name}`).upload("", 0, { metadata: { ownerid: "me" } });
    }
    emulator.inject({ kind: "lose-coordinator", topic: "orders" });
    const owners: Record<string, string | undefined> = {};
    for await (const { name, metadata } of container.listBlobsFlat({ includeMetadata: true })) owners[name] = metadata?.["ownerid"];
    expect(owners).toEqual({ "host/orders/g/ownership/0": "", "host/orders/h/ownership/1": "", "host/payments/g/ownership/0": "me" });
  });

  test("expire-cursor ends the link of a reader, which goes on behind what it has got", async () => {
    await using producer = rawProducer(emulator, "orders");
    await using subscription = read(emulator, "orders", "0", EARLIEST, {
      maxWaitTimeInSeconds: 0.2,
      client: { retryOptions: { maxRetries: 1, retryDelayInMs: 10 } },
    });
    await producer.sendBatch([event("1")], KEPT);
    await subscription.received(1);
    emulator.inject({ kind: "expire-cursor", topic: "orders" });
    await producer.sendBatch([event("2")], KEPT);
    expect(bodies(await subscription.received(2))).toEqual(["1", "2"]);
  });

  test("faults of commits hit writes of checkpoints only", async () => {
    const checkpoint = checkpoints().getBlockBlobClient("host/orders/$default/checkpoint/0");
    emulator.inject({ kind: "disconnect", topic: "orders", operation: "commit" });
    emulator.inject({ kind: "throttle", topic: "orders", operation: "commit", after: 1 });
    await checkpoints()
      .getBlockBlobClient("host/orders/$default/ownership/0")
      .upload("", 0, { metadata: { ownerid: "me" } });
    await expect(checkpoint.upload("", 0, { metadata: { offset: "1" } })).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(checkpoint.upload("", 0, { metadata: { offset: "1" } })).rejects.toMatchObject({ statusCode: 503, code: "ServerBusy" });
    await checkpoint.upload("", 0, { metadata: { offset: "1" } });
  });
});

test("stall of a fetch holds up what a reader gets", async () => {
  await using producer = rawProducer(emulator, "orders");
  await producer.sendBatch([event("1")], KEPT);
  emulator.inject({ kind: "stall", topic: "orders", durationMs: 400, operation: "fetch" });
  const startedAt = performance.now();
  await using subscription = read(emulator, "orders", "0", EARLIEST);
  await subscription.received(1);
  expect(performance.now() - startedAt).toBeGreaterThan(380);
});

test("nothing is left after close, whatever was under way", async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap" || name === "TCPServerWrap").length;
  const second = await startEmulatedEventHubs({ topics: { orders: {} } });
  const producer = rawProducer(second, "orders", { retryOptions: { maxRetries: 0, timeoutInMs: 500 } });
  await producer.sendBatch([event("1")], KEPT);
  second.inject({ kind: "stall", durationMs: 60_000 });
  const hanging = rejection(producer.sendBatch([event("2")], KEPT));
  await second.close();
  await hanging;
  await producer.close();
  const open = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap" || name === "TCPServerWrap").length;
  await until(
    () => open() <= before,
    () => `${open()} sockets to become ${before}`,
  );
  expect(() => second.inject({ kind: "restart" })).toThrow(expect.objectContaining({ code: "closed" }));
});

test("the process of an emulator ends after a restart that has ended connections", { timeout: 20_000 }, async () => {
  const own = await startEmulatorProcess("event-hubs", { topics: { orders: { partitions: 1 } } });
  const producer = new EventHubProducerClient(own.environment["EVENT_HUBS_CONNECTION_STRING"]!, "orders", NO_RETRIES);
  await producer.sendBatch([event("1")]);
  await own.inject({ kind: "restart", operation: "admin" });
  await rejection(producer.getPartitionIds({ abortSignal: AbortSignal.timeout(500) }));
  await producer.close();
  await own[Symbol.asyncDispose]();
});
