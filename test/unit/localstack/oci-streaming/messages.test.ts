import { expect, test, vi } from "vitest";
import { startEmulatedOciStreaming } from "../../../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { RawClients, base64 } from "./raw-clients.ts";
import { outcome, silenceTheSdk } from "./silent-sdk.ts";

silenceTheSdk();

const MEBIBYTE = 1_048_576;
const HOUR_MS = 3_600_000;
const UNLIMITED = { getsPerSecond: Infinity, bytesPerSecond: Infinity };

test("a partition over its bytes per second throttles entry by entry, others go on, and the hint is true", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: { partitions: 2 } }, bytesPerSecond: 1_000 });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const { entries: probe } = await clients.put(
    streamId,
    ["a", "b", "c", "d", "e", "f"].map((key) => [key, "x"] as const),
  );
  const [full, free] = ["0", "1"].map((partition) =>
    ["a", "b", "c", "d", "e", "f"].find((_, index) => probe[index]!.partition === partition)!,
  );
  const result = await clients.put(streamId, [
    [full!, "x".repeat(900)],
    [full!, "x".repeat(400)],
    [free!, "x".repeat(400)],
    [full!, "y"],
  ]);
  // The one behind the throttled one is stored: that is why a client must not send two messages of a key in one call.
  expect(result.entries.map(({ error }) => error)).toEqual([null, "429", null, null]);
  expect(result.failures).toBe(1);
  const waitMs = Number(
    /^Request was throttled because bytes limit exhausted, next request can be made in (\d+) ms$/.exec(
      result.entries[1]!.errorMessage!,
    )![1],
  );
  expect(waitMs).toBeGreaterThan(0);
  expect(result.entries[1]).toMatchObject({ partition: null, offset: null, timestamp: null });
  emulator.advanceClock(waitMs);
  expect((await clients.put(streamId, [[full!, "x".repeat(400)]])).failures).toBe(0);
});

test("a request holds 1 MiB of keys and values after decoding, and not one byte more", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, ...UNLIMITED });
  using clients = new RawClients(emulator);
  const uri = `${emulator.messagesEndpoint}/20180418/streams/${await clients.streamId("orders")}/messages`;
  // Not by the client of the SDK, which blocks for half a second for each of these.
  const put = async (...messages: readonly object[]): Promise<unknown> => {
    const body = JSON.stringify({ messages });
    const { status, text } = await clients.send("POST", uri, {
      body,
      leaveBodyUnsigned: true,
      headers: { "content-type": "application/json" },
    });
    return status === 200 ? 200 : JSON.parse(text);
  };
  const message = (bytes: number): object => ({ key: base64("key"), value: Buffer.alloc(bytes - 3).toString("base64") });
  const tooLarge = { code: "InvalidParameter", message: "Request size is limited to 1 MiB" };
  expect(await put(message(MEBIBYTE))).toBe(200);
  expect(await put(message(MEBIBYTE + 1))).toEqual(tooLarge);
  expect(await put(message(MEBIBYTE / 2), message(MEBIBYTE / 2))).toBe(200);
  expect(await put(message(MEBIBYTE / 2), message(MEBIBYTE / 2), { value: base64("x") })).toEqual(tooLarge);
});

test("one invalid message refuses the whole call, and nothing is stored", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: { partitions: 1 } }, ...UNLIMITED });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const good = { value: base64("good") };
  const bad: Record<string, unknown> = {
    "a long key": { key: base64("k".repeat(257)), value: base64("x") },
    "no value": { key: base64("k") },
    "a value that is not base64": { value: "%%%%" },
    "a value of a wrong length": { value: "abc" },
    "no object": 7,
  };
  for (const [what, message] of Object.entries(bad)) {
    const uri = `${emulator.messagesEndpoint}/20180418/streams/${streamId}/messages`;
    expect([what, (await clients.send("POST", uri, { body: JSON.stringify({ messages: [good, message] }) })).status]).toEqual([what, 400]);
  }
  for (const body of ["{", "[]", "{}", '{"messages":[]}', '{"messages":7}']) {
    const uri = `${emulator.messagesEndpoint}/20180418/streams/${streamId}/messages`;
    expect([body, (await clients.send("POST", uri, { body })).status]).toEqual([body, 400]);
  }
  expect(await outcome(clients.putEncoded(streamId, [{ key: base64("k".repeat(256)), value: base64("x") }]))).toBe("done");
  expect((await clients.get(streamId, await clients.cursor(streamId, "0", "TRIM_HORIZON"))).values).toEqual(["x"]);
});

test("an empty value is a value; messages without a key go to all partitions", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: { partitions: 3 } }, ...UNLIMITED });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const { entries } = await clients.put(
    streamId,
    Array.from({ length: 90 }, () => [null, ""] as const),
  );
  expect(new Set(entries.map(({ partition }) => partition))).toEqual(new Set(["0", "1", "2"]));
  const page = await clients.get(streamId, await clients.cursor(streamId, "0", "TRIM_HORIZON"));
  expect(page.items[0]).toMatchObject({ key: null, value: "", stream: "orders" });
});

test("each kind of cursor begins where its name says", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, ...UNLIMITED });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  for (const value of ["zero", "one", "two"]) {
    await clients.put(streamId, [["key", value]]);
    emulator.advanceClock(1_000);
  }
  const all = await clients.get(streamId, await clients.cursor(streamId, "0", "TRIM_HORIZON"));
  const latest = await clients.cursor(streamId, "0", "LATEST");
  const timeOf = (index: number, plusMs = 0): Date => new Date(Date.parse(all.items[index]!.timestamp) + plusMs);
  const read = async (type: string, rest: { offset?: number; time?: Date } = {}): Promise<readonly string[]> =>
    (await clients.get(streamId, await clients.cursor(streamId, "0", type, rest))).values;
  expect(await read("AT_OFFSET", { offset: 1 })).toEqual(["one", "two"]);
  expect(await read("AFTER_OFFSET", { offset: 1 })).toEqual(["two"]);
  expect(await read("AFTER_OFFSET", { offset: 2 })).toEqual([]);
  expect(await read("AT_TIME", { time: timeOf(1) })).toEqual(["one", "two"]);
  expect(await read("AT_TIME", { time: timeOf(1, 1) })).toEqual(["two"]);
  expect(await read("AT_TIME", { time: new Date(0) })).toEqual(["zero", "one", "two"]);
  const future = await clients.cursor(streamId, "0", "AT_TIME", { time: timeOf(2, 60_000) });
  await clients.put(streamId, [["key", "three"]]);
  expect((await clients.get(streamId, latest)).values).toEqual(["three"]);
  const early = await clients.get(streamId, future);
  expect(early.values).toEqual([]);
  emulator.advanceClock(60_000);
  await clients.put(streamId, [["key", "four"]]);
  expect((await clients.get(streamId, early.next)).values).toEqual(["four"]);
});

test("an offset must lie between the oldest and the latest one", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, ...UNLIMITED });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const at = (type: string, offset: number): Promise<string> => outcome(clients.cursor(streamId, "0", type, { offset }));
  expect(await at("AT_OFFSET", 0)).toBe("400 InvalidParameter");
  await clients.put(streamId, [
    ["key", "0"],
    ["key", "1"],
  ]);
  expect([await at("AT_OFFSET", 1), await at("AFTER_OFFSET", 1)]).toEqual(["done", "done"]);
  expect([await at("AT_OFFSET", 2), await at("AFTER_OFFSET", 2)]).toEqual(["400 InvalidParameter", "400 InvalidParameter"]);
  await emulator.expire("orders");
  expect([await at("AT_OFFSET", 1), await at("AFTER_OFFSET", 1)]).toEqual(["400 InvalidParameter", "400 InvalidParameter"]);
  const { entries } = await clients.put(streamId, [["key", "2"]]);
  expect(entries[0]!.offset).toBe(2);
  expect([await at("AT_OFFSET", 1), await at("AFTER_OFFSET", 1), await at("AT_OFFSET", 2)]).toEqual([
    "400 InvalidParameter",
    "400 InvalidParameter",
    "done",
  ]);
});

test("what retention has passed is gone", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, ...UNLIMITED, cursorLifetimeMs: Infinity });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  await clients.put(streamId, [["key", "old"]]);
  const [horizon, latest] = [await clients.cursor(streamId, "0", "TRIM_HORIZON"), await clients.cursor(streamId, "0", "LATEST")];
  await emulator.expire("orders");
  const passed = { statusCode: 400, message: "The cursor is outside the retention period and is now invalid." };
  await expect(clients.get(streamId, horizon)).rejects.toMatchObject(passed);
  await clients.put(streamId, [["key", "new"]]);
  expect((await clients.get(streamId, latest)).values).toEqual(["new"]);
  expect((await clients.get(streamId, await clients.cursor(streamId, "0", "TRIM_HORIZON"))).values).toEqual(["new"]);
  await expect(emulator.expire("missing")).rejects.toMatchObject({ code: "not-found" });
});

test("retention passes with time", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    await using emulator = await startEmulatedOciStreaming({ topics: { orders: { retentionMs: 48 * HOUR_MS } }, ...UNLIMITED });
    using clients = new RawClients(emulator);
    const streamId = await clients.streamId("orders");
    const read = async (): Promise<readonly string[]> =>
      (await clients.get(streamId, await clients.cursor(streamId, "0", "TRIM_HORIZON"))).values;
    await clients.put(streamId, [["key", "first"]]);
    vi.setSystemTime(Date.now() + HOUR_MS);
    await clients.put(streamId, [["key", "second"]]);
    vi.setSystemTime(Date.now() + 47.5 * HOUR_MS);
    expect(await read()).toEqual(["second"]);
    vi.setSystemTime(Date.now() + HOUR_MS);
    expect(await read()).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test("a cursor lives for its time, belongs to one stream, and may be used twice", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {}, payments: {} }, ...UNLIMITED, cursorLifetimeMs: 60_000 });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  await clients.put(streamId, [["key", "one"]]);
  const cursor = await clients.cursor(streamId, "0", "TRIM_HORIZON");
  expect([(await clients.get(streamId, cursor)).values, (await clients.get(streamId, cursor)).values]).toEqual([["one"], ["one"]]);
  const invalid = { statusCode: 400, serviceCode: "InvalidParameter", message: "The cursor is invalid. Create a new one." };
  await expect(clients.get(await clients.streamId("payments"), cursor)).rejects.toMatchObject(invalid);
  await expect(clients.get(streamId, "nonsense")).rejects.toMatchObject(invalid);
  await expect(clients.get(streamId, `A${cursor.slice(1)}`)).rejects.toMatchObject(invalid);
  emulator.advanceClock(59_000);
  const { next } = await clients.get(streamId, cursor);
  emulator.advanceClock(2_000);
  await expect(clients.get(streamId, cursor)).rejects.toMatchObject({ ...invalid, message: "The cursor is expired. Create a new one." });
  expect((await clients.get(streamId, next)).values).toEqual([]);
});

test("cursors hold the characters that queries would change, and the SDK sends them as they are", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, ...UNLIMITED });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const used = [];
  for (let count = 0; count < 20; count += 1) {
    const cursor = await clients.cursor(streamId, "0", "LATEST");
    await clients.get(streamId, cursor);
    used.push(cursor);
  }
  for (const character of ["+", "/", "="]) expect(used.some((cursor) => cursor.includes(character))).toBe(true);
});

test("a partition answers five reads a second, all cursors without a group together", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: { partitions: 2 } } });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const cursors = await Promise.all(["0", "0", "1"].map((partition) => clients.cursor(streamId, partition, "LATEST")));
  const outcomes = await Promise.all(Array.from({ length: 8 }, (_, index) => outcome(clients.get(streamId, cursors[index % 2]!))));
  expect(outcomes.filter((one) => one === "done")).toHaveLength(5);
  expect(outcomes.filter((one) => one === "429 TooManyRequests")).toHaveLength(3);
  expect(await outcome(clients.get(streamId, cursors[2]!))).toBe("done");
  await expect(clients.get(streamId, cursors[0]!)).rejects.toMatchObject({
    message: expect.stringMatching(/next request can be made in \d+ ms$/),
  });
  const createGroupCursorDetails = { groupName: "billing", type: "LATEST" as never };
  const { cursor } = await clients.messages.createGroupCursor({ streamId, createGroupCursorDetails });
  expect(await outcome(clients.get(streamId, cursor.value))).toBe("done");
  emulator.advanceClock(1_000);
  expect(await outcome(clients.get(streamId, cursors[0]!))).toBe("done");
});

test("a page is as short as the service likes, and no message is left out", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, ...UNLIMITED, pageMessages: 3, pageBytes: 100 });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const values = ["1", "2", "3", "4", "x".repeat(60), "y".repeat(60), "z".repeat(300), "5"];
  await clients.put(
    streamId,
    values.map((value) => ["k", value] as const),
  );
  const pages: string[][] = [];
  let cursor = await clients.cursor(streamId, "0", "TRIM_HORIZON");
  for (;;) {
    const page = await clients.get(streamId, cursor, 5);
    if (page.values.length === 0) break;
    pages.push([...page.values]);
    cursor = page.next;
  }
  expect(pages.map(({ length }) => length)).toEqual([3, 2, 1, 1, 1]);
  expect(pages.flat()).toEqual(values);
  for (const limit of ["0", "10001", "x"]) {
    const uri = `${emulator.messagesEndpoint}/20180418/streams/${streamId}/messages?cursor=${cursor}&limit=${limit}`;
    expect((await clients.send("GET", uri)).status).toBe(400);
  }
});

test("offsets are exact beyond what a number holds, and may leave some out", async () => {
  const firstOffset = 2n ** 53n + 1n;
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, ...UNLIMITED, firstOffset, offsetGaps: true });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const base = `${emulator.messagesEndpoint}/20180418/streams/${streamId}`;
  const body = JSON.stringify({ messages: Array.from({ length: 40 }, (_, index) => ({ value: base64(String(index)) })) });
  const offsetsOf = (text: string): readonly bigint[] => [...text.matchAll(/"offset":(\d+)/g)].map(([, digits]) => BigInt(digits!));
  const stored = offsetsOf((await clients.send("POST", `${base}/messages`, { body })).text);
  expect(stored[0]).toBe(firstOffset);
  const gaps = stored.slice(1).map((offset, index) => offset - stored[index]!);
  expect(gaps.every((gap) => gap >= 1n)).toBe(true);
  expect(gaps.some((gap) => gap > 1n)).toBe(true);
  const cursorAt = async (type: string, offset: bigint): Promise<string> => {
    const details = `{"partition":"0","type":"${type}","offset":${offset}}`;
    return JSON.parse((await clients.send("POST", `${base}/cursors`, { body: details })).text).value;
  };
  const read = async (cursor: string): Promise<readonly bigint[]> =>
    offsetsOf((await clients.send("GET", `${base}/messages?cursor=${cursor}`)).text);
  expect(await read(await cursorAt("AT_OFFSET", stored[7]!))).toEqual(stored.slice(7));
  expect(await read(await cursorAt("AFTER_OFFSET", stored[7]!))).toEqual(stored.slice(8));
  const hole = gaps.findIndex((gap) => gap > 1n);
  expect(await read(await cursorAt("AT_OFFSET", stored[hole]! + 1n))).toEqual(stored.slice(hole + 1));
});

test("a share of all entries can be throttled, and every answer be late", async () => {
  await using emulator = await startEmulatedOciStreaming({ topics: { orders: {} }, ...UNLIMITED, throttledShare: 0.02, latencyMs: 20 });
  using clients = new RawClients(emulator);
  const streamId = await clients.streamId("orders");
  const startedAt = performance.now();
  const { failures } = await clients.put(
    streamId,
    Array.from({ length: 1_000 }, () => ["k", "v"] as const),
  );
  expect(failures).toBe(20);
  expect(performance.now() - startedAt).toBeGreaterThan(19);
});
