import { expect, test, vi } from "vitest";
import type { Codec } from "../../../src/codec/codec.ts";
import { createReader } from "../../../src/replay/create-reader.ts";
import { type FakeContext, fakeContext } from "./fake-context.ts";
import { FakeLog } from "./fake-log.ts";

const CUT = { code: "closed", topic: "topic", operation: "read", message: expect.stringMatching(/connection was closed before/) };
const DONE = { done: true, value: undefined };

function oneOf(count: number): FakeLog {
  const log = new FakeLog("a");
  log.fill("a", count);
  return log;
}

/** What the connection does with a reader when it closes. */
async function closeConnection({ tracked }: FakeContext, timeoutMs = 100): Promise<void> {
  await vi.waitFor(() => expect(tracked.size).toBe(1));
  const [part] = tracked;
  expect(part?.stage).toBe("reader");
  await part?.close({ timeoutMs });
}

test("a next that waits rejects when the connection closes, and the iteration is over", async () => {
  const log = oneOf(1);
  const context = fakeContext(log);
  const iterator = createReader(context, { from: "latest" })[Symbol.asyncIterator]();
  const blocked = iterator.next();
  const rejected = expect(blocked).rejects.toMatchObject(CUT);
  await closeConnection(context);
  await rejected;
  expect(await iterator.next()).toEqual(DONE);
  expect(log.closedReaders).toBe(1);
  expect(context.tracked.size).toBe(0);
});

test("the next of a reader that the connection closed between two messages rejects, in batches as well", async () => {
  const single = fakeContext(oneOf(3));
  const iterator = createReader(single, { until: "now" })[Symbol.asyncIterator]();
  expect((await iterator.next()).value?.value).toBe("a:0");
  await closeConnection(single);
  await expect(iterator.next()).rejects.toMatchObject(CUT);

  const many = fakeContext(oneOf(3));
  const batches = createReader(many, { until: "now", batch: { maxMessages: 2 } })
    .batches()
    [Symbol.asyncIterator]();
  expect((await batches.next()).value).toHaveLength(2);
  await closeConnection(many);
  await expect(batches.next()).rejects.toMatchObject(CUT);
});

test("a range whose last message is handed out ends as done, whoever closes", async () => {
  const context = fakeContext(oneOf(2));
  const iterator = createReader(context, { until: "now" })[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.next();
  await closeConnection(context);
  expect(await iterator.next()).toEqual(DONE);
});

test("a message that is still being decoded is not handed out, so the range is not finished", async () => {
  const never: Codec<string> = { encode: () => new Uint8Array(), decode: () => new Promise<string>(() => {}) };
  for (const pullsBatches of [false, true]) {
    const log = oneOf(1);
    const context = fakeContext(log, { codec: never });
    const reader = createReader(context, { until: "now" });
    const iterator = (pullsBatches ? reader.batches() : reader)[Symbol.asyncIterator]();
    const rejected = expect(iterator.next()).rejects.toMatchObject(CUT);
    await vi.waitFor(() => expect(log.deliveredRecords).toBe(1));
    await new Promise((resolve) => setImmediate(resolve));
    await closeConnection(context);
    await rejected;
  }
});

test("a reader that is still opening when the connection closes rejects", async () => {
  const log = oneOf(1);
  log.resolve = () => new Promise(() => {});
  const context = fakeContext(log);
  const reader = createReader(context, {});
  const rejected = expect(reader[Symbol.asyncIterator]().next()).rejects.toMatchObject(CUT);
  const noBookmark = expect(reader.bookmark()).rejects.toMatchObject(CUT);
  await closeConnection(context);
  await Promise.all([rejected, noBookmark]);
});

test("an application that closes its reader first is not told of the connection", async () => {
  const log = oneOf(1);
  const context = fakeContext(log);
  const reader = createReader(context, { from: "latest" });
  const blocked = reader[Symbol.asyncIterator]().next();
  await vi.waitFor(() => expect(context.tracked.size).toBe(1));
  const [part] = context.tracked;
  await Promise.all([reader.close(), part?.close()]);
  expect(await blocked).toEqual(DONE);
});

test("closing does not wait for ever for a driver that hangs", async () => {
  const log = oneOf(1);
  log.read = () => new Promise(() => {});
  const context = fakeContext(log);
  const rejected = expect(createReader(context, {})[Symbol.asyncIterator]().next()).rejects.toMatchObject(CUT);
  await closeConnection(context, 10);
  await rejected;
});

test("closing waits for the driver also with a fraction of a millisecond left, as a closing connection gives it", async () => {
  const log = oneOf(1);
  log.closing = new Promise((resolve) => setTimeout(resolve, 20));
  const context = fakeContext(log);
  const rejected = expect(createReader(context, { from: "latest" })[Symbol.asyncIterator]().next()).rejects.toMatchObject(CUT);
  await closeConnection(context, 9_999.87);
  await rejected;
  expect(log.closedReaders).toBe(1);
});
