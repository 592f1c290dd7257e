import { randomUUID } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { encodeBookmark, identityOfBookmark } from "../../../../src/position/bookmark.ts";
import { type Bookmark, type Reader, connect, text } from "../../../../src/index.ts";

afterEach(() => void vi.useRealTimers());

async function bench() {
  const url = `memory:${randomUUID()}?create=orders&like=pubsub`;
  const connection = await connect(url, { require: ["groupReset", "groupAdmin"] });
  const topic = connection.topic("orders", { codec: text() });
  const send = async (...values: string[]): Promise<void> => {
    const producer = topic.producer();
    await producer.sendBatch(values.map((value) => ({ key: value[0]!, value })));
    await producer.close();
  };
  return { url, connection, topic, send };
}

async function valuesOf(reader: Reader<string>, most = Infinity): Promise<string[]> {
  const values: string[] = [];
  for await (const { value } of reader) {
    values.push(value);
    if (values.length === most) break;
  }
  return values;
}

test("like pubsub, a reader keeps the order of each key and no order between keys", async () => {
  const { topic, send } = await bench();
  await send("a1", "b1", "a2", "c1", "b2");
  expect(await valuesOf(topic.reader({ until: "now" }))).toEqual(["c1", "b1", "b2", "a1", "a2"]);
});

test("a mark names what was read, in another process too, as often as it is used", async () => {
  const { url, topic, send } = await bench();
  await send("a1", "b1", "a2", "c1", "b2");
  const reader = topic.reader({ until: "now" });
  await reader.bookmark();
  expect(await valuesOf(reader, 2)).toEqual(["c1", "b1"]);
  const bookmark = await reader.bookmark();
  await send("d1");
  const elsewhere = await connect(url);
  const rest = async (): Promise<string[]> =>
    valuesOf(elsewhere.topic("orders", { codec: text() }).reader({ from: { bookmark }, until: "now" }));
  expect(await rest()).toEqual(["d1", "b2", "a1", "a2"]);
  expect(await rest()).toEqual(["d1", "b2", "a1", "a2"]);
});

test("the latest is settled when the reader opens, before anything is read", async () => {
  const { topic, send } = await bench();
  await send("a1");
  const reader = topic.reader({ from: "latest", until: "now" });
  const bookmark = await reader.bookmark();
  await send("a2", "b1");
  expect(await valuesOf(topic.reader({ from: { bookmark }, until: "now" }))).toEqual(["b1", "a2"]);
  expect(await valuesOf(reader)).toEqual(["b1", "a2"]);
});

test("a group begins at a mark, or is moved to it, and its own place is not shown", async () => {
  const { connection, topic, send } = await bench();
  await send("a1", "b1", "a2", "c1", "b2");
  const reader = topic.reader({ until: "now" });
  await reader.bookmark();
  await valuesOf(reader, 2);
  const bookmark = await reader.bookmark();
  const handled = async (group: string): Promise<string[]> => {
    const values: string[] = [];
    const consumer = topic.consumer({ group, initialPosition: { bookmark } });
    const run = consumer.run(({ value }) => void values.push(value));
    await expect.poll(() => values.length).toBe(3);
    await consumer.close();
    await run;
    return values.toSorted();
  };
  expect(await handled("begun")).toEqual(["a1", "a2", "b2"]);
  await connection.admin.resetGroup("orders", "begun", { bookmark });
  expect(await handled("begun")).toEqual(["a1", "a2", "b2"]);
  expect(await connection.admin.describeGroup("orders", "begun")).toMatchObject({ members: null, bookmark: null });
});

test("a mark that the topic does not have is out of range, and other forms of the provider take no marks", async () => {
  const { url, topic } = await bench();
  const reader = topic.reader({ from: "latest" });
  const identity = identityOfBookmark(await reader.bookmark());
  await reader.close();
  const gone: Bookmark = encodeBookmark("memory", identity, new Map([["0", { kind: "mark", name: "17" }]]));
  await expect(valuesOf(topic.reader({ from: { bookmark: gone }, until: "now" }))).rejects.toMatchObject({ code: "position-out-of-range" });
  const plain = (await connect(url.replace("&like=pubsub", ""))).topic("orders", { codec: text() });
  const foreign: Bookmark = encodeBookmark("memory", { ...identity, incarnation: "1" }, new Map([["0", { kind: "mark", name: "1" }]]));
  await expect(valuesOf(plain.reader({ from: { bookmark: foreign }, until: "now" }))).rejects.toMatchObject({ code: "invalid-argument" });
});

test("a bookmark that is older than its life is out of range for a reader, a new group and a reset, which start nowhere else", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { connection, topic, send } = await bench();
  const lifetimeMs = connection.capabilities.bookmarkLifetimeMs!;
  await send("a1", "b1", "a2");
  const reader = topic.reader({ until: "now" });
  await reader.bookmark();
  await valuesOf(reader, 2);
  const bookmark = await reader.bookmark();
  const madeAtMs = Date.now();
  const from = { from: { bookmark }, until: "now" } as const;
  vi.setSystemTime(madeAtMs + lifetimeMs - 1);
  expect(await valuesOf(topic.reader(from))).toEqual(["a2"]);
  await connection.admin.resetGroup("orders", "moved", "latest");
  vi.setSystemTime(madeAtMs + lifetimeMs);
  const outOfRange = { code: "position-out-of-range", topic: "orders", retryable: false };
  await expect(valuesOf(topic.reader(from))).rejects.toMatchObject(outOfRange);
  await expect(valuesOf(topic.reader({ ...from, onGap: () => "continue" }))).rejects.toMatchObject(outOfRange);
  const handled: string[] = [];
  const consumer = topic.consumer({ group: "begun", initialPosition: { bookmark } });
  await expect(consumer.run(({ value }) => void handled.push(value))).rejects.toMatchObject(outOfRange);
  await expect(connection.admin.resetGroup("orders", "moved", { bookmark })).rejects.toMatchObject(outOfRange);
  expect(await connection.admin.listGroups("orders")).toEqual(["moved"]);
  // The group is where it was.
  await send("c1");
  const moved = topic.consumer({ group: "moved" });
  const run = moved.run(({ value }) => void handled.push(value));
  await expect.poll(() => handled).toEqual(["c1"]);
  await moved.close();
  await run;
  // A mark that is made now is another one, and is good.
  const next = topic.reader({ from: "latest", until: "now" });
  expect(await next.bookmark()).not.toBe(bookmark);
});

test("like pubsub, neither a reader nor a group starts at a message, also not by a bookmark", async () => {
  const { connection, topic, send } = await bench();
  await send("a1");
  const reader = topic.reader({ until: "now" });
  const own = await reader.bookmark();
  await reader.close();
  const identity = identityOfBookmark(own);
  const bookmark = encodeBookmark("memory", identity, new Map([["0", { kind: "at", position: "0" }]]));
  const refused = { code: "unsupported", capability: "startAtPosition" };
  await expect(valuesOf(topic.reader({ from: { bookmark }, until: "now" }))).rejects.toMatchObject(refused);
  await expect(connection.admin.resetGroup("orders", "group", { bookmark })).rejects.toMatchObject(refused);
});
