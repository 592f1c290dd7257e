import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type EmulatedOciStreaming, startEmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import type { Fault } from "../../../../src/driver/index.ts";
import { FrameWriter } from "../../../../src/envelope/index.ts";
import { RawClients } from "./raw-clients.ts";
import { outcome, silenceTheSdk } from "./silent-sdk.ts";

silenceTheSdk();

let emulator: EmulatedOciStreaming;
let clients: RawClients;
let streamId: string;

beforeEach(async () => {
  emulator = await startEmulatedOciStreaming({ topics: { orders: { partitions: 2 }, payments: {} }, getsPerSecond: Infinity });
  clients = new RawClients(emulator);
  streamId = await clients.streamId("orders");
});

afterEach(async () => {
  clients[Symbol.dispose]();
  await emulator.close();
});

async function storedCount(): Promise<number> {
  let count = 0;
  for (const partition of ["0", "1"])
    count += (await clients.get(streamId, await clients.cursor(streamId, partition, "TRIM_HORIZON"))).items.length;
  return count;
}

const publish = (): Promise<unknown> => clients.put(streamId, [["key", "value"]]);

test("throttled entries fail one by one inside of a success, and say how long to wait; then the whole call is throttled", async () => {
  emulator.inject({ kind: "throttle", topic: "orders", times: 2 });
  const { failures, entries } = await clients.put(streamId, [
    ["a", "1"],
    ["b", "2"],
  ]);
  expect(failures).toBe(2);
  expect(entries.map(({ error }) => error)).toEqual(["429", "429"]);
  expect(entries[0]!.errorMessage).toMatch(/next request can be made in \d+ ms$/);
  expect(await outcome(publish())).toBe("429 TooManyRequests");
  expect(await storedCount()).toBe(0);
  expect(await outcome(publish())).toBe("done");
});

test("a fault before the write stores nothing; one after it stores everything", async () => {
  emulator.inject({ kind: "fail-before-write", topic: "orders", times: 2 });
  expect([await outcome(publish()), await outcome(publish())]).toEqual(["503 ServiceUnavailable", "502 None"]);
  expect(await storedCount()).toBe(0);
  emulator.inject({ kind: "fail-after-write", topic: "orders", times: 4 });
  const outcomes = [];
  for (let call = 0; call < 4; call += 1) outcomes.push(await outcome(publish()));
  expect(outcomes).toEqual(["500 InternalServerError", "broken", "504 None", "broken"]);
  expect(await storedCount()).toBe(4);
});

test("a call in which a message is invalid is refused until that message is alone", async () => {
  emulator.inject({ kind: "fail-entry", topic: "orders" });
  const all = ["one", "two", "three"].map((value) => ["key", value] as const);
  expect(await outcome(clients.put(streamId, all))).toBe("400 InvalidParameter");
  expect(await outcome(clients.put(streamId, [all[0]!]))).toBe("done");
  expect(await outcome(clients.put(streamId, [all[1]!, all[2]!]))).toBe("400 InvalidParameter");
  expect(await outcome(clients.put(streamId, [all[2]!]))).toBe("done");
  expect(await outcome(clients.put(streamId, [all[1]!]))).toBe("400 InvalidParameter");
  expect(await storedCount()).toBe(2);
  expect(await outcome(clients.put(streamId, [all[1]!]))).toBe("done");
});

/** A message of the service that holds several of streamport. */
function packed(...values: readonly string[]): { readonly key: string; readonly value: string } {
  const key = Buffer.from("key");
  const writer = new FrameWriter(key, { maxBytes: 10_000, maxMessages: 10 });
  for (const value of values) expect(writer.add({ key, value: Buffer.from(value), headers: [], timestampMs: null })).toBe(true);
  return { key: key.toString("base64"), value: Buffer.from(writer.finish()).toString("base64") };
}

test("an invalid message is recognised however it is packed with others", async () => {
  emulator.inject({ kind: "fail-entry", topic: "orders" });
  const put = (...values: readonly string[]): Promise<unknown> => outcome(clients.putEncoded(streamId, [packed(...values)]));
  expect(await put("one", "two", "three")).toBe("400 InvalidParameter");
  expect(await put("one", "two")).toBe("400 InvalidParameter");
  expect(await put("one")).toBe("done");
  expect(await put("three")).toBe("done");
  expect(await put("two")).toBe("400 InvalidParameter");
});

test("a connection breaks before the call is carried out, whatever the call", async () => {
  const calls: Record<string, () => Promise<unknown>> = {
    publish,
    describe: () => clients.admin.getStream({ streamId }),
    find: () => clients.admin.listStreams({ streamPoolId: emulator.streamPool, name: "orders" }),
    cursor: () => clients.cursor(streamId, "0", "LATEST"),
  };
  for (const [name, call] of Object.entries(calls)) {
    emulator.inject({ kind: "disconnect", topic: "orders", times: 2 });
    expect([name, await outcome(call()), await outcome(call()), await outcome(call())]).toEqual([name, "broken", "broken", "done"]);
  }
  expect(await storedCount()).toBe(1);
});

test("what is not permitted looks as if it did not exist", async () => {
  emulator.inject({ kind: "refuse-authorization", topic: "orders", times: 3 });
  expect(await outcome(publish())).toBe("404 NotAuthorizedOrNotFound");
  expect(await outcome(clients.admin.getStream({ streamId }))).toBe("404 NotAuthorizedOrNotFound");
  expect(await outcome(clients.admin.listStreams({ streamPoolId: emulator.streamPool, name: "orders" }))).toBe(
    "404 NotAuthorizedOrNotFound",
  );
  expect(await outcome(publish())).toBe("done");
});

test("a call stalls before its answer, or in the middle of it", async () => {
  for (let turn = 0; turn < 2; turn += 1) {
    emulator.inject({ kind: "stall", topic: "orders", durationMs: 60 });
    const startedAt = performance.now();
    expect(await outcome(publish())).toBe("done");
    expect(performance.now() - startedAt).toBeGreaterThan(50);
  }
});

test("a cursor is expired, and a new one reads on", async () => {
  await publish();
  emulator.inject({ kind: "expire-cursor", topic: "orders" });
  const cursor = await clients.cursor(streamId, "0", "TRIM_HORIZON");
  await expect(clients.get(streamId, cursor)).rejects.toMatchObject({
    statusCode: 400,
    serviceCode: "InvalidParameter",
    message: "The cursor is expired. Create a new one.",
  });
  expect(await storedCount()).toBe(1);
});

test("a restart breaks connections, and keeps ports, messages and cursors", async () => {
  await publish();
  const cursors = [await clients.cursor(streamId, "0", "TRIM_HORIZON"), await clients.cursor(streamId, "1", "TRIM_HORIZON")];
  emulator.inject({ kind: "restart" });
  expect(await outcome(publish())).toBe("broken");
  await vi.waitFor(async () => expect(await outcome(clients.get(streamId, cursors[0]!))).toBe("done"), { timeout: 5_000 });
  const pages = await Promise.all(cursors.map((cursor) => clients.get(streamId, cursor)));
  expect(pages.flatMap(({ values }) => values)).toEqual(["value"]);
});

test("faults are counted per topic, operation and partition", async () => {
  const paymentsId = await clients.streamId("payments");
  emulator.inject({ kind: "fail-before-write", topic: "orders", after: 1 });
  expect(await outcome(clients.put(paymentsId, [["key", "value"]]))).toBe("done");
  expect(await outcome(publish())).toBe("done");
  expect(await outcome(publish())).toBe("502 None");
  emulator.inject({ kind: "disconnect", topic: "orders", operation: "fetch" });
  expect(await outcome(publish())).toBe("done");
  expect(await outcome(clients.cursor(streamId, "0", "LATEST"))).toBe("broken");
  const { entries } = await clients.put(streamId, [["key", "value"]]);
  const [own, other] = entries[0]!.partition === "0" ? ["0", "1"] : ["1", "0"];
  emulator.inject({ kind: "throttle", topic: "orders", partition: other });
  expect((await clients.put(streamId, [["key", "value"]])).failures).toBe(0);
  emulator.inject({ kind: "throttle", topic: "orders", partition: own });
  expect(await outcome(publish())).toBe("429 TooManyRequests");
  const impossible: Fault = { kind: "throttle", operation: "fetch" };
  expect(() => emulator.inject(impossible)).toThrow(expect.objectContaining({ code: "unsupported", provider: "oci-streaming" }));
});

test("answers of any status and code can be planned", async () => {
  emulator.answerWith({ operation: "GetMessages", status: 401, code: "NotAuthenticated", times: 2, after: 1 });
  const cursor = await clients.cursor(streamId, "0", "LATEST");
  const outcomes = [];
  for (let call = 0; call < 4; call += 1) outcomes.push(await outcome(clients.get(streamId, cursor)));
  expect(outcomes).toEqual(["done", "401 NotAuthenticated", "401 NotAuthenticated", "done"]);
  expect([emulator.callCount("GetMessages"), emulator.callCount("PutMessages")]).toEqual([4, 0]);
});

interface Lease {
  readonly owner?: string;
  readonly epoch: string;
  readonly place: string;
  readonly beat: string;
  readonly wantedBy?: string;
}

const leasePath = (partition: string): string =>
  `${emulator.leases.bucket}/o/${encodeURIComponent(`${streamId}/billing/partition/${partition}`)}`;

async function writeLease(partition: string, lease: Lease, etag: string | null): Promise<{ status: number; etag: string | null }> {
  const conditions: Record<string, string> = etag === null ? { "if-none-match": "*" } : { "if-match": etag };
  const body = JSON.stringify({ partition, foreign: "column", ...lease });
  const { status, headers } = await clients.objects("PUT", leasePath(partition), { body, headers: conditions });
  return { status, etag: headers.get("etag") };
}

const OWNED: Lease = { owner: "first", epoch: "7", place: "earliest", beat: "1" };

async function readObject(path: string): Promise<Record<string, string>> {
  return JSON.parse((await clients.objects("GET", path)).text) as Record<string, string>;
}

test("a partition is stolen from its owner at once: the next epoch without an owner, other columns stay, and members are told to look", async () => {
  const groupPath = `${emulator.leases.bucket}/o/${encodeURIComponent(`${streamId}/billing/group`)}`;
  await clients.objects("PUT", groupPath, { body: JSON.stringify({ id: "1", attention: "4" }) });
  const { etag } = await writeLease("0", { ...OWNED, wantedBy: "second" }, null);
  emulator.inject({ kind: "steal-partition", topic: "payments", partition: "0" });
  emulator.inject({ kind: "steal-partition", topic: "orders", partition: "1", operation: "commit" });
  expect((await clients.objects("GET", leasePath("0"))).headers.get("etag")).toBe(etag);
  emulator.inject({ kind: "steal-partition", topic: "orders", partition: "0" });
  expect((await writeLease("0", { ...OWNED, beat: "2" }, etag)).status).toBe(412);
  const { owner: _, ...rest } = OWNED;
  expect(await readObject(leasePath("0"))).toEqual({ ...rest, partition: "0", foreign: "column", epoch: "8", beat: "2" });
  expect(await readObject(groupPath)).toEqual({ id: "1", attention: "5" });
});

test("a stolen partition waits for a write that stores progress, if it is meant for commits", async () => {
  const created = await writeLease("0", OWNED, null);
  emulator.inject({ kind: "steal-partition", topic: "orders", operation: "commit" });
  const renewed = await writeLease("0", { ...OWNED, beat: "2" }, created.etag);
  expect(renewed.status).toBe(200);
  expect((await writeLease("0", { ...OWNED, beat: "3", place: "at 4" }, renewed.etag)).status).toBe(412);
});

test("a group that loses its coordinator loses the owners of all its leases", async () => {
  const etags = [await writeLease("0", OWNED, null), await writeLease("1", OWNED, null)].map(({ etag }) => etag);
  emulator.inject({ kind: "lose-coordinator", topic: "orders" });
  const written = [await writeLease("0", OWNED, etags[0]!), await writeLease("1", OWNED, etags[1]!)];
  expect(written.map(({ status }) => status)).toEqual([412, 412]);
  expect([(await readObject(leasePath("0")))["owner"], (await readObject(leasePath("1")))["owner"]]).toEqual([undefined, undefined]);
});

test("a group without owners loses its coordinator at the next renewal", async () => {
  emulator.inject({ kind: "lose-coordinator", topic: "orders" });
  const created = await writeLease("0", OWNED, null);
  expect((await writeLease("0", { ...OWNED, beat: "2" }, created.etag)).status).toBe(412);
});

test("a write of a lease may have been carried out although its answer says otherwise", async () => {
  const created = await writeLease("0", OWNED, null);
  emulator.inject({ kind: "fail-after-write", topic: "orders", operation: "commit" });
  expect((await writeLease("0", { ...OWNED, beat: "2", place: "at 4" }, created.etag)).status).toBe(500);
  expect(JSON.parse((await clients.objects("GET", leasePath("0"))).text).place).toBe("at 4");
});
