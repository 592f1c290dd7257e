import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startEmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { RawClients, base64 } from "./raw-clients.ts";

beforeEach(() => {
  // The SDK prints every failure.
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

afterEach(() => {
  vi.restoreAllMocks();
});

test("what the SDK publishes it reads again: per partition in order, with key, offset and time", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: { partitions: 3 } }, getsPerSecond: Infinity });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const sent = Array.from({ length: 60 }, (_, count) => [`key-${count % 7}`, `value ${count}`] as const);
  const first = await clients.put(streamId, sent);
  expect(first.failures).toBe(0);
  expect(new Set(first.entries.map(({ partition }) => partition)).size).toBe(3);
  const partitionOfKey = new Map(sent.map(([key], index) => [key, first.entries[index]!.partition]));
  sent.forEach(([key], index) => expect(first.entries[index]!.partition).toBe(partitionOfKey.get(key)));
  const read = [];
  for (const partition of ["0", "1", "2"]) {
    let cursor = await clients.cursor(streamId, partition, "TRIM_HORIZON");
    for (;;) {
      const page = await clients.get(streamId, cursor, 8);
      if (page.items.length === 0) break;
      read.push(...page.items);
      cursor = page.next;
    }
  }
  expect(read.length).toBe(60);
  for (const partition of ["0", "1", "2"]) {
    const own = read.filter((item) => item.partition === partition);
    expect(own.map(({ offset }) => offset)).toEqual(own.map((_, index) => index));
    const expected = sent.filter((_, index) => first.entries[index]!.partition === partition);
    expect(own.map(({ key, value }) => [key, value])).toEqual(expected.map(([key, value]) => [base64(key), base64(value)]));
    expect(own.every(({ stream, timestamp }) => stream === "orders" && !Number.isNaN(Date.parse(timestamp)))).toBe(true);
  }
});

test("the URL is all that is needed, and nothing of it is left after close", async () => {
  const emulator = await startEmulatedOciStreaming();
  const url = new URL(emulator.url);
  expect(url.protocol).toBe("oci-streaming:");
  expect([url.host, url.pathname]).toEqual([emulator.region, `/${emulator.streamPool}`]);
  expect(Object.fromEntries(url.searchParams)).toEqual({
    endpoint: emulator.endpoint,
    leaseEndpoint: emulator.endpoint,
    configFile: emulator.configFile,
    "leases.namespace": emulator.leases.namespace,
    "leases.bucket": emulator.leases.bucket,
  });
  const folder = dirname(emulator.configFile);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const file of ["config", "key.pem", "token"]) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  await emulator.close();
  await emulator.close();
  expect(existsSync(folder)).toBe(false);
  await expect(emulator.createTopic("late")).rejects.toMatchObject({ code: "closed" });
});

test("objects are created, swapped and listed as a lease store needs it", async () => {
  await using emulator = await startEmulatedOciStreaming();
  using clients = new RawClients(emulator);
  const { bucket } = emulator.leases;
  const object = `${bucket}/o/${encodeURIComponent("group/partition/0")}`;
  const created = await clients.objects("PUT", object, { body: "one", headers: { "if-none-match": "*" } });
  expect(created.status).toBe(200);
  const again = await clients.objects("PUT", object, { body: "two", headers: { "if-none-match": "*" } });
  expect([again.status, JSON.parse(again.text).code]).toEqual([412, "IfNoneMatchFailed"]);
  const etag = created.headers.get("etag")!;
  const swapped = await clients.objects("PUT", object, { body: "one", headers: { "if-match": etag } });
  expect(swapped.status).toBe(200);
  expect(swapped.headers.get("etag")).not.toBe(etag);
  const stale = await clients.objects("PUT", object, { body: "two", headers: { "if-match": etag } });
  expect([stale.status, JSON.parse(stale.text).code]).toEqual([412, "IfMatchFailed"]);
  const read = await clients.objects("GET", object);
  expect([read.text, read.headers.get("etag")]).toEqual(["one", swapped.headers.get("etag")]);
  const listed = await clients.objects("GET", `${bucket}/o`, { query: "?prefix=group/&fields=name,etag" });
  expect(JSON.parse(listed.text)).toEqual({
    objects: [{ name: "group/partition/0", etag: swapped.headers.get("etag") }],
    prefixes: [],
    nextStartWith: null,
  });
  const kept = await clients.objects("DELETE", object, { headers: { "if-match": etag } });
  expect(kept.status).toBe(412);
  expect((await clients.objects("DELETE", object, { headers: { "if-match": swapped.headers.get("etag")! } })).status).toBe(204);
  expect((await clients.objects("GET", object)).status).toBe(404);
});
