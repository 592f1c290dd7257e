import { expect, test, vi } from "vitest";
import type { Codec } from "../../../src/codec/codec.ts";
import { StreamError } from "../../../src/errors.ts";
import { createReader } from "../../../src/replay/reader.ts";
import type { Reader, ReaderOptions } from "../../../src/replay/reader-types.ts";
import { type FakeContext, fakeContext } from "./fake-context.ts";
import { FakeLog } from "./fake-log.ts";

const DONE = { done: true, value: undefined };

function oneOf(count: number): FakeLog {
  const log = new FakeLog("a");
  log.fill("a", count);
  return log;
}

interface Closing {
  readonly by: string;
  readonly close: (reader: Reader<string>, context: FakeContext, timeoutMs?: number) => Promise<void>;
}

/** One rule for both: what the application closes ends as done. */
const WAYS: readonly Closing[] = [
  { by: "its own close", close: (reader) => reader.close() },
  {
    by: "the connection's close",
    close: async (_, { tracked }, timeoutMs = 100) => {
      await vi.waitFor(() => expect(tracked.size).toBe(1));
      const [part] = tracked;
      expect(part?.stage).toBe("reader");
      await part?.close({ timeoutMs });
    },
  },
];

/** What a reader hands out from here on. */
async function rest(options: ReaderOptions, log: FakeLog): Promise<string[]> {
  const found: string[] = [];
  for await (const { value } of createReader(fakeContext(log), { ...options, until: "now" })) found.push(value);
  return found;
}

test.each(WAYS)("a next that waits ends as done by $by, and the iteration is over", async ({ close }) => {
  const log = oneOf(1);
  const context = fakeContext(log);
  const reader = createReader(context, { from: "latest" });
  const iterator = reader[Symbol.asyncIterator]();
  const blocked = iterator.next();
  await vi.waitFor(() => expect(context.tracked.size).toBe(1));
  await close(reader, context);
  expect(await blocked).toEqual(DONE);
  expect(await iterator.next()).toEqual(DONE);
  expect(log.closedReaders).toBe(1);
  expect(context.tracked.size).toBe(0);
});

test.each(WAYS)("a loop ends between two messages by $by, in batches as well, and the bookmark says how far it came", async ({ close }) => {
  const log = oneOf(3);
  const single = fakeContext(log);
  const reader = createReader(single, { until: "now" });
  const iterator = reader[Symbol.asyncIterator]();
  expect((await iterator.next()).value?.value).toBe("a:0");
  await close(reader, single);
  expect(await iterator.next()).toEqual(DONE);
  expect(await rest({ from: { bookmark: await reader.bookmark() } }, log)).toEqual(["a:1", "a:2"]);

  const many = fakeContext(oneOf(3));
  const batching = createReader(many, { until: "now", batch: { maxMessages: 2 } });
  const batches = batching.batches()[Symbol.asyncIterator]();
  expect((await batches.next()).value).toHaveLength(2);
  await close(batching, many);
  expect(await batches.next()).toEqual(DONE);
});

test.each(WAYS)("a message that is still being decoded is not handed out: it is behind the bookmark after $by", async ({ close }) => {
  const never: Codec<string> = { encode: () => new Uint8Array(), decode: () => new Promise<string>(() => {}) };
  for (const pullsBatches of [false, true]) {
    const log = oneOf(1);
    const context = fakeContext(log, { codec: never });
    const reader = createReader(context, { until: "now" });
    const blocked = (pullsBatches ? reader.batches() : reader)[Symbol.asyncIterator]().next();
    await vi.waitFor(() => expect(log.deliveredRecords).toBe(1));
    await new Promise((resolve) => setImmediate(resolve));
    await close(reader, context);
    expect(await blocked).toEqual(DONE);
    expect(await rest({ from: { bookmark: await reader.bookmark() } }, log)).toEqual(["a:0"]);
  }
});

test.each(WAYS)("a reader that is still opening ends as done, and its bookmark is the start of its range: $by", async ({ close }) => {
  const log = oneOf(2);
  const resolve = log.resolve.bind(log);
  const known = Promise.withResolvers<void>();
  log.resolve = async (request) => {
    await known.promise;
    return resolve(request);
  };
  const context = fakeContext(log);
  const reader = createReader(context, {});
  const blocked = reader[Symbol.asyncIterator]().next();
  const before = reader.bookmark();
  const closing = close(reader, context, 10_000);
  setTimeout(() => known.resolve(), 20);
  expect(await blocked).toEqual(DONE);
  await closing;
  expect(await before).toBe(await reader.bookmark());
  expect([log.requests.length, log.deliveredRecords, context.tracked.size, log.openReaders]).toEqual([1, 0, 0, 0]);
  expect(await rest({ from: { bookmark: await before } }, log)).toEqual(["a:0", "a:1"]);
});

test("a range that was not known soon enough for close is looked up for the bookmark afterwards, and every reader of the driver closes", async () => {
  const log = oneOf(2);
  const resolve = log.resolve.bind(log);
  let calls = 0;
  log.resolve = async () => {
    calls += 1;
    if (calls === 1) await new Promise(() => {});
    throw new StreamError("unavailable", "not now");
  };
  const context = fakeContext(log);
  const reader = createReader(context, {});
  const blocked = reader[Symbol.asyncIterator]().next();
  const before = reader.bookmark();
  const refused = expect(before).rejects.toMatchObject({ code: "unavailable" });
  await reader.close();
  expect(await blocked).toEqual(DONE);
  await refused;
  await expect(reader.bookmark()).rejects.toMatchObject({ code: "unavailable", topic: "topic", operation: "read" });
  log.resolve = resolve;
  expect(await rest({ from: { bookmark: await reader.bookmark() } }, log)).toEqual(["a:0", "a:1"]);
  expect([context.tracked.size, log.openReaders]).toEqual([0, 0]);
});

test("the bookmark of a reader that was closed before it was used is the start of its range; reading is refused", async () => {
  const log = oneOf(2);
  const context = fakeContext(log);
  const reader = createReader(context, {});
  await reader.close();
  await expect(reader[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "closed" });
  expect(await rest({ from: { bookmark: await reader.bookmark() } }, log)).toEqual(["a:0", "a:1"]);
  expect(context.tracked.size).toBe(0);
});

test("a bookmark that is looked up ends with the connection", async () => {
  const log = oneOf(1);
  log.resolve = () => new Promise(() => {});
  const context = fakeContext(log);
  const reader = createReader(context, {});
  await reader.close();
  const noBookmark = expect(reader.bookmark()).rejects.toMatchObject({ code: "closed" });
  await vi.waitFor(() => expect(context.tracked.size).toBe(1));
  const [part] = context.tracked;
  await part?.close({ timeoutMs: 10 });
  await noBookmark;
});

test("closing does not wait for ever for a driver that hangs", async () => {
  const log = oneOf(1);
  log.read = () => new Promise(() => {});
  const context = fakeContext(log);
  const reader = createReader(context, {});
  const blocked = reader[Symbol.asyncIterator]().next();
  await WAYS[1]!.close(reader, context, 10);
  expect(await blocked).toEqual(DONE);
});

test("closing waits for the driver also with a fraction of a millisecond left, as a closing connection gives it", async () => {
  const log = oneOf(1);
  log.closing = new Promise((resolve) => setTimeout(resolve, 20));
  const context = fakeContext(log);
  const reader = createReader(context, { from: "latest" });
  const blocked = reader[Symbol.asyncIterator]().next();
  await WAYS[1]!.close(reader, context, 9_999.87);
  expect(await blocked).toEqual(DONE);
  expect(log.closedReaders).toBe(1);
});
