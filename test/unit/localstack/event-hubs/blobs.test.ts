import { AnonymousCredential, BlobServiceClient, type ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmulatedEventHubs, startEmulatedEventHubs } from "../../../../localstack/event-hubs/emulated-event-hubs.ts";

let emulator: EmulatedEventHubs;
let service: BlobServiceClient;
let container: ContainerClient;
const NO_RETRIES = { retryOptions: { maxTries: 1 } };

beforeAll(async () => {
  emulator = await startEmulatedEventHubs({ topics: { orders: { partitions: 2 } }, blobsPerPage: 3 });
  service = BlobServiceClient.fromConnectionString(emulator.storageConnectionString, NO_RETRIES);
  container = service.getContainerClient(emulator.checkpointContainer);
});

afterAll(async () => {
  await emulator.close();
});

describe("a blob", () => {
  test("has content, metadata and another version after every write", async () => {
    const blob = container.getBlockBlobClient("a/B c/ü&<'\">");
    const first = await blob.upload("content", 7, { metadata: { one: "1", two: "zwei" } });
    const read = await blob.getProperties();
    expect(read).toMatchObject({ metadata: { one: "1", two: "zwei" }, contentLength: 7, etag: first.etag });
    expect((await blob.downloadToBuffer()).toString()).toBe("content");
    const second = await blob.setMetadata({ three: "3" });
    expect(second.etag).not.toBe(first.etag);
    expect(await blob.getProperties()).toMatchObject({ metadata: { three: "3" }, etag: second.etag });
    expect((await blob.getProperties()).metadata).toEqual({ three: "3" });
    expect((await blob.downloadToBuffer()).toString()).toBe("content");
    await blob.delete({ conditions: { ifMatch: second.etag! } });
    expect(await blob.exists()).toBe(false);
  });

  test("that does not exist", async () => {
    const blob = container.getBlockBlobClient("nothing");
    await expect(blob.setMetadata({ a: "1" })).rejects.toMatchObject({ statusCode: 404, details: { errorCode: "BlobNotFound" } });
    await expect(blob.download()).rejects.toMatchObject({ statusCode: 404, code: "BlobNotFound" });
    await expect(blob.delete()).rejects.toMatchObject({ statusCode: 404 });
    await expect(blob.upload("", 0, { conditions: { ifMatch: '"0x8D"' } })).rejects.toMatchObject({ statusCode: 412 });
  });

  test("is written under conditions, with or without quotation marks", async () => {
    const blob = container.getBlockBlobClient("conditions");
    const { etag } = await blob.upload("", 0, { conditions: { ifNoneMatch: "*" } });
    await expect(blob.upload("", 0, { conditions: { ifNoneMatch: "*" } })).rejects.toMatchObject({
      statusCode: 409,
      code: "BlobAlreadyExists",
    });
    const next = await blob.setMetadata({ a: "1" }, { conditions: { ifMatch: etag!.replaceAll('"', "") } });
    await expect(blob.setMetadata({ a: "2" }, { conditions: { ifMatch: etag! } })).rejects.toMatchObject({
      statusCode: 412,
      code: "ConditionNotMet",
    });
    await expect(blob.upload("", 0, { conditions: { ifMatch: etag! } })).rejects.toMatchObject({ statusCode: 412 });
    await expect(blob.delete({ conditions: { ifMatch: etag! } })).rejects.toMatchObject({ statusCode: 412 });
    await expect(blob.setMetadata({}, { conditions: { ifNoneMatch: next.etag! } })).rejects.toMatchObject({ statusCode: 412 });
    expect((await blob.getProperties({ conditions: { ifMatch: next.etag! } })).metadata).toEqual({ a: "1" });
    await expect(blob.getProperties({ conditions: { ifMatch: etag! } })).rejects.toMatchObject({ statusCode: 412 });
  });

  test("of two that create it one wins", async () => {
    const blob = container.getBlockBlobClient("race");
    const attempts = await Promise.allSettled(
      Array.from({ length: 8 }, async (_, index) =>
        blob.upload("", 0, { metadata: { by: String(index) }, conditions: { ifNoneMatch: "*" } }),
      ),
    );
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

describe("a list", () => {
  test("comes in pages, in the order of names, below a prefix, with metadata where that is wanted", async () => {
    const names = Array.from({ length: 10 }, (_, index) => `list/${index}`);
    for (const name of names.toReversed()) await container.getBlockBlobClient(name).upload("", 0, { metadata: { name: `<&${name}` } });
    await container.getBlockBlobClient("lisu").upload("", 0);
    const found: (readonly [string, string | undefined])[] = [];
    let pages = 0;
    for await (const { segment } of container.listBlobsFlat({ prefix: "list/", includeMetadata: true }).byPage()) {
      pages += 1;
      found.push(...segment.blobItems.map(({ name, metadata }) => [name, metadata?.["name"]] as const));
    }
    expect(found).toEqual(names.map((name) => [name, `<&${name}`]));
    expect(pages).toBe(4);
    for await (const { metadata } of container.listBlobsFlat({ prefix: "list/" })) expect(metadata).toBeUndefined();
    const { value } = await container.listBlobsFlat({ prefix: "list/" }).byPage({ maxPageSize: 2 }).next();
    expect(value.segment.blobItems).toHaveLength(2);
  });

  test("has directories without metadata in a hierarchical namespace", async () => {
    await using hierarchical = await startEmulatedEventHubs({ hierarchicalNamespace: true });
    const own = BlobServiceClient.fromConnectionString(hierarchical.storageConnectionString).getContainerClient("checkpoints");
    await own.getBlockBlobClient("host/hub/group/ownership/0").upload("", 0, { metadata: { ownerid: "me" } });
    const found: (readonly [string, string | undefined])[] = [];
    for await (const { name, metadata } of own.listBlobsFlat({ prefix: "host/hub", includeMetadata: true }))
      found.push([name, metadata?.["ownerid"]]);
    expect(found).toEqual([
      ["host/hub", undefined],
      ["host/hub/group", undefined],
      ["host/hub/group/ownership", undefined],
      ["host/hub/group/ownership/0", "me"],
    ]);
  });
});

describe("a container", () => {
  test("is created, and found missing", async () => {
    const other = service.getContainerClient("other-container");
    expect(await other.exists()).toBe(false);
    await expect(other.getBlockBlobClient("x").upload("", 0)).rejects.toMatchObject({ statusCode: 404, code: "ContainerNotFound" });
    await expect(other.listBlobsFlat().next()).rejects.toMatchObject({ statusCode: 404, code: "ContainerNotFound" });
    await other.create();
    await expect(other.create()).rejects.toMatchObject({ statusCode: 409, code: "ContainerAlreadyExists" });
    await other.getBlockBlobClient("x").upload("", 0);
    await other.delete();
    expect(await other.exists()).toBe(false);
  });
});

describe("credentials", () => {
  const blobOf = async (credential: StorageSharedKeyCredential | AnonymousCredential, query = ""): Promise<unknown> => {
    const client = new BlobServiceClient(`${service.url}${query}`, credential, NO_RETRIES);
    return client.getContainerClient("checkpoints").getBlockBlobClient("x").upload("", 0);
  };

  test("a wrong key, a wrong account and none are refused", async () => {
    const key = Buffer.from("another").toString("base64");
    await expect(blobOf(new StorageSharedKeyCredential("devstoreaccount1", key))).rejects.toMatchObject({
      statusCode: 403,
      code: "AuthenticationFailed",
    });
    await expect(blobOf(new StorageSharedKeyCredential("someone", key))).rejects.toMatchObject({ statusCode: 403 });
    await expect(blobOf(new AnonymousCredential())).rejects.toMatchObject({ statusCode: 401, code: "NoAuthenticationInformation" });
  });

  test("a shared access signature is good until it expires", async () => {
    const signed = (offsetMs: number): string =>
      `?sv=2025-11-05&sp=rwdl&sr=c&sig=x&se=${encodeURIComponent(new Date(Date.now() + offsetMs).toISOString())}`;
    await blobOf(new AnonymousCredential(), signed(60_000));
    await expect(blobOf(new AnonymousCredential(), signed(-60_000))).rejects.toMatchObject({ statusCode: 403 });
  });

  test("the URL for checkpoints holds the account and its key", () => {
    const url = new URL(emulator.checkpoints);
    expect(url.pathname).toBe(`/${decodeURIComponent(url.username)}/checkpoints`);
    expect(new URLSearchParams(new URL(emulator.url).search).get("checkpoints")).toBe(emulator.checkpoints);
    expect(new URLSearchParams(new URL(emulator.url).search).get("developmentEmulator")).toBe("true");
  });
});

test("any status is answered on demand, before a write or after it", async () => {
  const name = "host/orders/$default/checkpoint/0";
  const checkpoint = container.getBlockBlobClient(name);
  await checkpoint.upload("", 0, { metadata: { offset: "1" } });
  for (const status of [412, 429, 503, 500]) {
    emulator.answerWith({ call: "WriteCheckpoint", status, topic: "orders", partition: "0" });
    await expect(checkpoint.setMetadata({ offset: String(status) })).rejects.toMatchObject({ statusCode: status });
    expect((await checkpoint.getProperties()).metadata).toEqual({ offset: "1" });
  }
  emulator.answerWith({ call: "WriteCheckpoint", status: 500, isStored: true });
  await expect(checkpoint.setMetadata({ offset: "2" })).rejects.toMatchObject({ statusCode: 500 });
  expect((await checkpoint.getProperties()).metadata).toEqual({ offset: "2" });
  emulator.answerWith({ call: "ListBlobs", status: 503, topic: "orders", after: 1 });
  await container.listBlobsFlat({ prefix: "host/orders/$default/" }).next();
  await expect(container.listBlobsFlat({ prefix: "host/orders/$default/" }).next()).rejects.toMatchObject({ statusCode: 503 });
});
