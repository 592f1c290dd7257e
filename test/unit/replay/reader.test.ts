import { expect, test, vi } from "vitest";
import type { Codec } from "../../../src/codec/codec.ts";
import { channels } from "../../../src/diagnostics/channels.ts";
import { StreamError } from "../../../src/errors.ts";
import type { Message } from "../../../src/message.ts";
import { decodeBookmark, encodeBookmark } from "../../../src/position/bookmark.ts";
import type { From, Gap, Until } from "../../../src/position/range-types.ts";
import { createReader } from "../../../src/replay/reader.ts";
import type { Reader } from "../../../src/replay/reader-types.ts";
import { PROVIDER, fakeContext, position } from "./fake-context.ts";
import { FakeLog, IDENTITY, fakeRecord, positionAt } from "./fake-log.ts";

async function values<T>(reader: Reader<T>, most = Number.POSITIVE_INFINITY): Promise<T[]> {
  const found: T[] = [];
  if (most === 0) return found;
  for await (const message of reader) {
    found.push(message.value);
    if (found.length >= most) break;
  }
  return found;
}

const indexes = (partition: string, found: readonly string[]): number[] =>
  found.filter((value) => value.startsWith(`${partition}:`)).map((value) => Number(value.split(":")[1]));

const range = (from: number, until: number): number[] => Array.from({ length: Math.max(0, until - from) }, (_, index) => from + index);

function oneOf(count: number, endKind: FakeLog["endKind"] = "position"): FakeLog {
  const log = new FakeLog("a");
  log.fill("a", count);
  log.endKind = endKind;
  return log;
}

test.each<[string, From | undefined, Until, number[]]>([
  ["the default", undefined, "now", range(0, 10)],
  ["earliest", "earliest", "now", range(0, 10)],
  ["latest", "latest", "now", []],
  ["a time", { timestamp: 4 }, "now", range(4, 10)],
  ["a Date", { timestamp: new Date(4) }, "now", range(4, 10)],
  ["a time behind all", { timestamp: 99 }, "now", []],
  ["at", { at: position("a", 4) }, "now", range(4, 10)],
  ["after", { after: position("a", 4) }, "now", range(5, 10)],
  ["after the last", { after: position("a", 9) }, "now", []],
  [
    "a bookmark",
    { bookmark: encodeBookmark(PROVIDER, IDENTITY, new Map([["a", { kind: "after", position: positionAt(2) }]])) },
    "now",
    range(3, 10),
  ],
  ["until a time", "earliest", { timestamp: 4 }, range(0, 4)],
  ["until a time before all", "earliest", { timestamp: -1 }, []],
  ["until a time behind all", "earliest", { timestamp: 99 }, range(0, 10)],
  [
    "until a bookmark that is a time",
    "earliest",
    { bookmark: encodeBookmark(PROVIDER, IDENTITY, new Map([["a", { kind: "timestamp", timestampMs: 4 }]])) },
    range(0, 4),
  ],
  [
    "until a bookmark, at",
    "earliest",
    { bookmark: encodeBookmark(PROVIDER, IDENTITY, new Map([["a", { kind: "at", position: positionAt(4) }]])) },
    range(0, 4),
  ],
  [
    "until a bookmark, after",
    "earliest",
    { bookmark: encodeBookmark(PROVIDER, IDENTITY, new Map([["a", { kind: "after", position: positionAt(4) }]])) },
    range(0, 5),
  ],
  ["through", "earliest", { through: position("a", 4) }, range(0, 5)],
  ["through the last", "earliest", { through: position("a", 9) }, range(0, 10)],
  ["one message", { at: position("a", 4) }, { through: position("a", 4) }, [4]],
  ["empty by position", { after: position("a", 4) }, { through: position("a", 4) }, []],
  ["inverted by position", { at: position("a", 6) }, { through: position("a", 4) }, []],
  ["between times", { timestamp: 3 }, { timestamp: 6 }, range(3, 6)],
  ["the same time", { timestamp: 3 }, { timestamp: 3 }, []],
  ["inverted times", { timestamp: 6 }, { timestamp: 3 }, []],
])("%s", async (_, from, until, expected) => {
  for (const endKind of ["position", "caught-up", "quiet"] as const) {
    const log = oneOf(10, endKind);
    const reader = createReader(fakeContext(log), { from, until, partitions: ["a"] });
    expect(indexes("a", await values(reader))).toEqual(expected);
    expect(log.closedReaders).toBe(1);
  }
});

test("a time cuts at the first record in log order, whatever comes behind it", async () => {
  for (const endKind of ["position", "caught-up"] as const) {
    const log = new FakeLog("a");
    log.endKind = endKind;
    const times = [1, 5, 2, 7, 3, 9];
    log.fill("a", times.length, (index) => times[index]!);
    expect(indexes("a", await values(createReader(fakeContext(log), { from: { timestamp: 5 }, until: { timestamp: 7 } })))).toEqual([1, 2]);
    const reader = createReader(fakeContext(log), { until: { timestamp: 7 } });
    expect(indexes("a", await values(reader))).toEqual([0, 1, 2]);
    const places = decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY);
    expect(places.get("a")).toEqual({ kind: "at", position: positionAt(3) });
  }
});

test("partitions take turns, and each keeps its order", async () => {
  const log = new FakeLog("a", "b");
  log.fill("a", 60);
  log.fill("b", 6);
  const found = await values(createReader(fakeContext(log), { until: "now" }));
  expect(indexes("a", found)).toEqual(range(0, 60));
  expect(indexes("b", found)).toEqual(range(0, 6));
  expect(found.indexOf("b:5")).toBeLessThan(20);
});

test("only the partitions that were named", async () => {
  const log = new FakeLog("a", "b", "c");
  for (const name of ["a", "b", "c"]) log.fill(name, 2);
  const reader = createReader(fakeContext(log), { until: "now", partitions: ["a", "c", "a"] });
  expect((await values(reader)).toSorted()).toEqual(["a:0", "a:1", "c:0", "c:1"]);
  expect([...decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY).keys()]).toEqual(["a", "c"]);
});

test("a topic without messages ends by itself", async () => {
  for (const endKind of ["position", "caught-up", "quiet"] as const) {
    const log = new FakeLog("a", "b");
    log.endKind = endKind;
    expect(await values(createReader(fakeContext(log), { until: "now" }))).toEqual([]);
  }
});

test("for ever: the first message comes at once, later ones when they are stored, close ends it", async () => {
  const log = oneOf(1);
  const reader = createReader(fakeContext(log), {});
  const iterator = reader[Symbol.asyncIterator]();
  expect((await iterator.next()).value?.value).toBe("a:0");
  const waiting = iterator.next();
  log.fill("a", 1);
  expect((await waiting).value?.value).toBe("a:1");
  const blocked = iterator.next();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await Promise.all([reader.close(), reader.close()]);
  expect(await blocked).toEqual({ done: true, value: undefined });
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  expect(log.closedReaders).toBe(1);
});

test("leaving the loop closes", async () => {
  const log = oneOf(10);
  const context = fakeContext(log);
  expect(await values(createReader(context, {}), 2)).toEqual(["a:0", "a:1"]);
  expect(log.closedReaders).toBe(1);
  expect(context.tracked.size).toBe(0);
});

test("closed while it opens: next ends; closed before: next is refused", async () => {
  const log = oneOf(1);
  log.resolve = () => new Promise(() => {});
  const opening = createReader(fakeContext(log), {});
  const blocked = opening[Symbol.asyncIterator]().next();
  await opening.close();
  expect((await blocked).done).toBe(true);

  const closed = createReader(fakeContext(oneOf(1)), {});
  await closed.close();
  await expect(closed[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "closed", topic: "topic", operation: "read" });
});

test("is iterated once", async () => {
  const reader = createReader(fakeContext(oneOf(1)), { until: "now" });
  const batches = reader.batches();
  expect(() => reader[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: "conflict" }));
  expect(() => reader.batches()).toThrow(expect.objectContaining({ code: "conflict" }));
  const iterator = batches[Symbol.asyncIterator]();
  expect(() => batches[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: "conflict" }));
  expect(await iterator.next()).toMatchObject({ done: false });
  expect(await iterator.next()).toMatchObject({ done: true });
});

test("calls of next are answered in their order, awaited or not", async () => {
  const iterator = createReader(fakeContext(oneOf(5)), { until: "now" })[Symbol.asyncIterator]();
  const results = await Promise.all(Array.from({ length: 7 }, () => iterator.next()));
  expect(results.map(({ value }) => value?.value)).toEqual(["a:0", "a:1", "a:2", "a:3", "a:4", undefined, undefined]);
});

test("batches: up to maxMessages, at once without maxWaitMs", async () => {
  const log = oneOf(10);
  log.chunk = 10;
  const sizes: number[] = [];
  const reader = createReader(fakeContext(log), { until: "now", batch: { maxMessages: 4 } });
  for await (const batch of reader.batches()) {
    sizes.push(batch.length);
    const places = decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY);
    expect(places.get("a")).toEqual(
      sizes.length < 3 ? { kind: "after", position: positionAt(sizes.length * 4 - 1) } : { kind: "at", position: positionAt(10) },
    );
  }
  expect(sizes).toEqual([4, 4, 2]);
});

test("batches: maxWaitMs fills, and is not waited for when full or over", async () => {
  const log = oneOf(10);
  log.chunk = 1;
  log.beforeDelivery = () => new Promise((resolve) => setTimeout(resolve, 1));
  const sizes: number[] = [];
  const started = performance.now();
  for await (const batch of createReader(fakeContext(log), { until: "now", batch: { maxMessages: 4, maxWaitMs: 5_000 } }).batches())
    sizes.push(batch.length);
  expect(sizes).toEqual([4, 4, 2]);
  expect(performance.now() - started).toBeLessThan(2_000);

  const quiet = oneOf(3);
  const batches = createReader(fakeContext(quiet), { batch: { maxMessages: 4, maxWaitMs: 20 } }).batches();
  const iterator = batches[Symbol.asyncIterator]();
  const waited = performance.now();
  expect((await iterator.next()).value).toHaveLength(3);
  expect(performance.now() - waited).toBeGreaterThan(15);
  await iterator.return?.();
});

test("batches: what is queued already waits to be filled as well", async () => {
  const log = oneOf(3);
  const batches = createReader(fakeContext(log), { batch: { maxMessages: 2, maxWaitMs: 5_000 } }).batches();
  const iterator = batches[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toHaveLength(2);
  const waiting = iterator.next();
  log.fill("a", 1);
  expect((await waiting).value).toMatchObject([{ value: "a:2" }, { value: "a:3" }]);
  await iterator.return?.();
});

test("back-pressure: the driver waits until there is room again", async () => {
  const log = oneOf(200);
  const bytes = log.partition("a").records[0]!.bytes;
  const reader = createReader(fakeContext(log), { until: "now", maxBufferedBytes: bytes * 10 });
  const iterator = reader[Symbol.asyncIterator]();
  await iterator.next();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(log.deliveredRecords).toBeLessThanOrEqual(1 + 10 + log.chunk);
  let left = 1;
  while (!(await iterator.next()).done) left += 1;
  expect(left).toBe(200);
});

test("a stalled partition does not stop the others", async () => {
  const log = new FakeLog("a", "b");
  log.fill("a", 3);
  log.fill("b", 3);
  let goOn = (): void => {};
  const stalled = new Promise<void>((resolve) => (goOn = resolve));
  log.beforeDelivery = (partition) => (partition === "a" ? stalled : Promise.resolve());
  const iterator = createReader(fakeContext(log), { until: "now" })[Symbol.asyncIterator]();
  for (const expected of ["b:0", "b:1", "b:2"]) expect((await iterator.next()).value?.value).toBe(expected);
  goOn();
  expect((await iterator.next()).value?.value).toBe("a:0");
  await iterator.return?.();
});

test("an error of the driver comes behind what was delivered before it, once, with its context", async () => {
  const log = oneOf(6);
  let deliveries = 0;
  const cause = new TypeError("socket");
  log.beforeDelivery = async () => {
    deliveries += 1;
    if (deliveries === 2) throw cause;
  };
  const reader = createReader(fakeContext(log), {});
  const iterator = reader[Symbol.asyncIterator]();
  for (const expected of ["a:0", "a:1", "a:2"]) expect((await iterator.next()).value?.value).toBe(expected);
  await expect(iterator.next()).rejects.toMatchObject({ code: "internal", cause, provider: PROVIDER, topic: "topic", operation: "read" });
  expect((await iterator.next()).done).toBe(true);
  expect(log.closedReaders).toBe(1);
  expect(decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY).get("a")).toEqual({ kind: "after", position: positionAt(2) });
});

test("an error of resolve reaches the iterator and the bookmark, and the driver's reader is closed", async () => {
  const log = oneOf(6);
  log.resolve = async () => {
    throw new StreamError("not-found", "no such topic");
  };
  const context = fakeContext(log);
  const reader = createReader(context, {});
  await expect(values(reader)).rejects.toMatchObject({ code: "not-found", provider: PROVIDER, operation: "read" });
  await expect(reader.bookmark()).rejects.toMatchObject({ code: "not-found" });
  await reader.close();
  expect(log.closedReaders).toBe(1);
  expect(context.tracked.size).toBe(0);
});

test("what a topic cannot do reaches the application as the driver has said it", async () => {
  const log = oneOf(3);
  const cause = new Error("FAILED_PRECONDITION");
  const refusal = new StreamError("unsupported", "this topic keeps no messages; set its retention", {
    capability: "startAtTimestamp",
    cause,
  });
  log.resolve = async () => {
    throw refusal;
  };
  const error: unknown = await values(createReader(fakeContext(log), { from: { timestamp: 1 } })).catch((thrown: unknown) => thrown);
  const { code, capability, message, retryable } = refusal;
  expect(error).toMatchObject({ code, capability, message, retryable, cause, provider: PROVIDER, topic: "topic", operation: "read" });
});

test("an adapter that stops before the end is found out", async () => {
  const log = oneOf(6);
  log.read = async (_partitions, sink) => void (await sink.deliver("a", [log.partition("a").records[0]!]));
  const reader = createReader(fakeContext(log), { until: "now" });
  await expect(values(reader)).rejects.toMatchObject({ code: "internal", partition: "a" });
});

test("nothing behind the end, nothing of partitions that are not in the range", async () => {
  const log = oneOf(6);
  const answers: boolean[] = [];
  log.read = async (partitions, sink) => {
    expect(partitions[0]?.end).toEqual({ kind: "through", position: positionAt(2) });
    answers.push(await sink.deliver("other", [fakeRecord(0, '"x"')]));
    answers.push(await sink.deliver("a", log.partition("a").records.slice(0, 2)));
    answers.push(await sink.deliver("a", log.partition("a").records.slice(2)));
    answers.push(await sink.deliver("a", log.partition("a").records.slice(5)));
  };
  const reader = createReader(fakeContext(log), { until: { through: position("a", 2) }, partitions: ["a"] });
  expect(await values(reader)).toEqual(["a:0", "a:1", "a:2"]);
  expect(answers).toEqual([false, true, false, false]);
  expect(decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY)).toEqual(new Map([["a", { kind: "after", position: positionAt(2) }]]));
});

test("advanced ends a range at its position, and moves the bookmark only behind what was handed out", async () => {
  const log = new FakeLog("a");
  log.fill("a", 9);
  log.read = async (_partitions, sink) => {
    await sink.deliver("a", log.partition("a").records.slice(0, 2));
    expect(sink.advanced("a", positionAt(4))).toBe(true);
    await sink.deliver("a", [log.partition("a").records[5]!]);
    expect(sink.advanced("a", positionAt(8))).toBe(false);
  };
  const reader = createReader(fakeContext(log), { until: "now" });
  const end = { kind: "through", position: positionAt(8) } as const;
  log.resolve = async () => ({
    identity: IDENTITY,
    partitions: [{ partition: "a", start: { kind: "earliest" }, end, parents: [], gap: null }],
  });
  const place = async (): Promise<unknown> => decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY).get("a");
  expect(await place()).toEqual({ kind: "earliest" });
  const iterator = reader[Symbol.asyncIterator]();
  await iterator.next();
  expect(await place()).toEqual({ kind: "after", position: positionAt(0) });
  await iterator.next();
  expect(await place()).toEqual({ kind: "after", position: positionAt(4) });
  await iterator.next();
  expect(await place()).toEqual({ kind: "after", position: positionAt(8) });
  expect((await iterator.next()).done).toBe(true);
});

const failingCodec: Codec<string> = {
  encode: (value) => Buffer.from(value),
  decode: (bytes) => {
    const text = Buffer.from(bytes).toString();
    if (text.includes(":2")) throw new Error("bad");
    return JSON.parse(text) as string;
  },
};

test("corrupt: rejects with partition and position, behind the messages before it", async () => {
  for (const batched of [false, true]) {
    const log = oneOf(5);
    log.chunk = 5;
    const reader = createReader(fakeContext(log, { codec: failingCodec }), { until: "now" });
    const found: string[] = [];
    const reading = async (): Promise<void> => {
      if (batched) for await (const batch of reader.batches()) found.push(...batch.map(({ value }) => value));
      else for await (const { value } of reader) found.push(value);
    };
    await expect(reading()).rejects.toMatchObject({
      code: "corrupt",
      operation: "read",
      topic: "topic",
      partition: "a",
      position: position("a", 2),
    });
    expect(found).toEqual(["a:0", "a:1"]);
    expect(decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY).get("a")).toEqual({ kind: "after", position: positionAt(1) });
  }
});

test("corrupt with onCorrupt: told with the stored bytes, awaited, left out, and not told again behind the bookmark", async () => {
  for (const batched of [false, true]) {
    const log = oneOf(5);
    log.partition("a").records[4] = fakeRecord(4, null);
    const told: [string, string, Uint8Array | null][] = [];
    const onCorrupt = async (failure: StreamError, message: Message<Uint8Array | null>): Promise<void> => {
      await Promise.resolve();
      told.push([failure.code, message.position, message.value]);
    };
    const reader = createReader(fakeContext(log, { codec: failingCodec }), { until: "now", onCorrupt });
    const found: string[] = [];
    if (batched) for await (const batch of reader.batches()) found.push(...batch.map(({ value }) => value));
    else for await (const { value } of reader) found.push(value);
    expect(found).toEqual(["a:0", "a:1", "a:3"]);
    expect(told).toEqual([
      ["corrupt", position("a", 2), Buffer.from('"a:2"')],
      ["corrupt", position("a", 4), null],
    ]);
    expect(decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY).get("a")).toEqual({ kind: "at", position: positionAt(5) });
  }
});

test("onCorrupt that fails ends the reading", async () => {
  const cause = new Error("disk full");
  const onCorrupt = async (): Promise<never> => {
    throw cause;
  };
  const reader = createReader(fakeContext(oneOf(5), { codec: failingCodec }), { until: "now", onCorrupt });
  await expect(values(reader)).rejects.toMatchObject({ code: "handler-failed", cause, partition: "a", position: position("a", 2) });
});

test("tombstones: corrupt unless allowed", async () => {
  const log = oneOf(1);
  log.partition("a").records.push(fakeRecord(1, null));
  expect(await values(createReader(fakeContext(log, { tombstones: true }), { until: "now" }))).toEqual(["a:0", null]);
  await expect(values(createReader(fakeContext(log), { until: "now" }))).rejects.toMatchObject({
    code: "corrupt",
    position: position("a", 1),
  });
});

test("an asynchronous codec keeps the order, and close ends one that never answers", async () => {
  const slow: Codec<string> = {
    encode: (value) => Buffer.from(value),
    decode: async (bytes) => {
      const text = JSON.parse(Buffer.from(bytes).toString()) as string;
      await new Promise((resolve) => setTimeout(resolve, text.endsWith("0") ? 5 : 0));
      return text;
    },
  };
  const log = oneOf(4);
  expect(await values(createReader(fakeContext(log, { codec: slow }), { until: "now" }))).toEqual(["a:0", "a:1", "a:2", "a:3"]);
  const batched: string[] = [];
  for await (const batch of createReader(fakeContext(log, { codec: slow }), { until: "now" }).batches())
    batched.push(...batch.map(({ value }) => value));
  expect(batched).toEqual(["a:0", "a:1", "a:2", "a:3"]);

  const hanging = createReader(fakeContext(log, { codec: { ...slow, decode: () => new Promise<string>(() => {}) } }), {});
  const blocked = hanging[Symbol.asyncIterator]().next();
  await vi.waitFor(() => expect(log.deliveredRecords).toBeGreaterThan(8));
  await hanging.close();
  expect((await blocked).done).toBe(true);
  expect(decodeBookmark(await hanging.bookmark(), PROVIDER, IDENTITY).get("a")).toEqual({ kind: "at", position: positionAt(0) });
});

test("a gap at the start: refused, or told and gone on behind; nothing is read before", async () => {
  const log = oneOf(10);
  log.partition("a").trimmedTo = 4;
  const from: From = { at: position("a", 1) };
  const reader = createReader(fakeContext(log), { from, until: "now", partitions: ["a"] });
  await expect(values(reader)).rejects.toMatchObject({ code: "position-out-of-range", partition: "a", topic: "topic" });
  expect(log.reads).toEqual([]);

  const gaps: Gap[] = [];
  const events: unknown[] = [];
  const listener = (event: unknown): void => void events.push(event);
  channels.gap.subscribe(listener);
  const accepting = createReader(fakeContext(log), { from, until: "now", partitions: ["a"], onGap: (gap) => gaps.push(gap) });
  expect(indexes("a", await values(accepting))).toEqual(range(4, 10));
  channels.gap.unsubscribe(listener);
  expect(gaps).toEqual([{ topic: "topic", partition: "a", resumesAt: position("a", 4), missing: 3 }]);
  expect(events).toEqual([{ provider: PROVIDER, topic: "topic", group: null, partition: "a", missing: 3 }]);
});

test("an empty range older than retention misses nothing", async () => {
  const log = oneOf(10);
  log.partition("a").trimmedTo = 4;
  const bookmark = encodeBookmark(PROVIDER, IDENTITY, new Map([["a", { kind: "at", position: positionAt(1) }]]));
  expect(await values(createReader(fakeContext(log), { from: { bookmark }, until: { bookmark } }))).toEqual([]);
});

test("a gap while reading: refused behind what was delivered, or told, and the bookmark stands behind it", async () => {
  const script = (log: FakeLog): void => {
    log.read = async (_partitions, sink, signal) => {
      const { records } = log.partition("a");
      await sink.deliver("a", records.slice(0, 2));
      await sink.gap("a", { resumesAt: { kind: "at", position: positionAt(5) }, missing: null });
      if (!signal.aborted) await sink.deliver("a", records.slice(5));
      sink.caughtUp("a");
    };
  };
  const log = oneOf(8);
  script(log);
  const refusing = createReader(fakeContext(log), { until: "now" });
  const found: string[] = [];
  const reading = async (): Promise<void> => {
    for await (const { value } of refusing) found.push(value);
  };
  await expect(reading()).rejects.toMatchObject({ code: "position-out-of-range", partition: "a" });
  expect(found).toEqual(["a:0", "a:1"]);

  const onGap = vi.fn<(gap: Gap) => void>();
  const accepting = createReader(fakeContext(log), { until: "now", onGap });
  const iterator = accepting[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.next();
  await vi.waitFor(() =>
    expect(onGap).toHaveBeenCalledExactlyOnceWith({ topic: "topic", partition: "a", resumesAt: position("a", 5), missing: null }),
  );
  expect(decodeBookmark(await accepting.bookmark(), PROVIDER, IDENTITY).get("a")).toEqual({ kind: "at", position: positionAt(5) });
  expect((await iterator.next()).value?.value).toBe("a:5");
  await iterator.return?.();
});

test("onGap that fails ends the reading", async () => {
  const log = oneOf(10);
  log.partition("a").trimmedTo = 4;
  const cause = new Error("no");
  const onGap = (): never => {
    throw cause;
  };
  const reader = createReader(fakeContext(log), { from: { at: position("a", 1) }, partitions: ["a"], onGap });
  await expect(values(reader)).rejects.toMatchObject({ code: "handler-failed", cause });
});

test("deliveries are told without a group, and only what belongs to the range", async () => {
  const events: { messages: number; bytes: number }[] = [];
  const listener = (event: unknown): void => void events.push(event as { messages: number; bytes: number });
  channels.deliver.subscribe(listener);
  const log = oneOf(4);
  await values(createReader(fakeContext(log), { until: { through: position("a", 3) }, partitions: ["a"] }));
  channels.deliver.unsubscribe(listener);
  const bytes = log.partition("a").records[0]!.bytes;
  expect(events).toEqual([
    { provider: PROVIDER, topic: "topic", group: null, partition: "a", messages: 3, bytes: 3 * bytes },
    { provider: PROVIDER, topic: "topic", group: null, partition: "a", messages: 1, bytes },
  ]);
});
