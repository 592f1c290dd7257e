import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test, vi } from "vitest";
import { type EmulatedOciStreaming, startEmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { freePort } from "../../../free-port.ts";
import { RawClients, base64 } from "./raw-clients.ts";
import { outcome, silenceTheSdk } from "./silent-sdk.ts";

const EMULATOR = fileURLToPath(new URL("../../../../localstack/oci-streaming/emulated-oci-streaming.ts", import.meta.url));

silenceTheSdk();

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
    pollMs: "200",
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

/** On two ports of which both are free; of two that were free a moment ago, another test may have taken one. */
async function startOnFreePorts(attempts = 5): Promise<{ readonly emulator: EmulatedOciStreaming; readonly port: number }> {
  const port = await freePort();
  try {
    return { emulator: await startEmulatedOciStreaming({ port, host: "127.0.0.1", advertisedHost: "localhost" }), port };
  } catch (error) {
    if (attempts > 1) return startOnFreePorts(attempts - 1);
    throw error;
  }
}

test("a port is taken as it is given, messages have the next one, and one that is taken leaves nothing behind", async () => {
  const folder = await mkdtemp(join(tmpdir(), "streamport-test-"));
  vi.stubEnv("TMPDIR", folder);
  const { emulator, port } = await startOnFreePorts();
  expect([emulator.endpoint, emulator.messagesEndpoint]).toEqual([`http://localhost:${port}`, `http://localhost:${port + 1}`]);
  const taken = { code: "configuration", message: expect.stringMatching(/EADDRINUSE/) };
  await expect(startEmulatedOciStreaming({ port })).rejects.toMatchObject(taken);
  expect(await readdir(folder)).toEqual([basename(dirname(emulator.configFile))]);
  await emulator.close();
  expect(await readdir(folder)).toEqual([]);
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test.each([
  [{ partitions: 0 }, "invalid-argument"],
  [{ retentionMs: 3_600_000 }, "invalid-argument"],
  [{ retentionMs: 90_000_000 + 1 }, "invalid-argument"],
  [{ retentionMs: 169 * 3_600_000 }, "invalid-argument"],
])("a topic with %j is refused", async (settings, code) => {
  await expect(startEmulatedOciStreaming({ topics: { orders: settings } })).rejects.toMatchObject({ code });
  await using emulator = await startEmulatedOciStreaming({ topics: { other: {} } });
  await expect(emulator.createTopic("orders", settings)).rejects.toMatchObject({ code });
  await expect(emulator.createTopic("other")).rejects.toMatchObject({ code: "already-exists" });
});

test("a plan for a call that does not exist is refused", async () => {
  await using emulator = await startEmulatedOciStreaming();
  expect(() => emulator.answerWith({ operation: "putMessages", status: 500, code: null })).toThrow(
    expect.objectContaining({ code: "invalid-argument", message: expect.stringMatching(/there are .*PutMessages/) }),
  );
});

test("ends after its work, also in the middle of calls, and leaves nothing that keeps the process alive", async () => {
  const program = `
    import { request } from "node:http";
    import { startEmulatedOciStreaming } from ${JSON.stringify(pathToFileURL(EMULATOR).href)};
    const emulator = await startEmulatedOciStreaming({ topics: { flights: {} }, latencyMs: 60_000 });
    const broken = new Promise((resolve) => request(emulator.endpoint + "/n").on("error", resolve).on("response", resolve).end());
    await broken;
    const waiting = new Promise((resolve) => request(emulator.messagesEndpoint, { method: "POST", headers: { "content-length": "5" } }).on("error", resolve).write("x"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await emulator.close();
    await emulator.close();
    await waiting;
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
});

test("calls that wait when it closes end at once", async () => {
  const emulator = await startEmulatedOciStreaming({ topics: { orders: {} } });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  emulator.inject({ kind: "stall", topic: "orders", durationMs: 60_000, times: 2 });
  const stalled = [clients.put(streamId, [["k", "v"]]), clients.put(streamId, [["k", "v"]])].map(outcome);
  await new Promise((resolve) => {
    setTimeout(resolve, 100);
  });
  const startedAt = performance.now();
  await emulator.close();
  expect(await Promise.all(stalled)).toEqual(["broken", "broken"]);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});
