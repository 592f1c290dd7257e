import { expect, test } from "vitest";
import type { ReaderSink } from "../../../src/driver/reader-driver.ts";
import type { StoredRecord } from "../../../src/driver/record.ts";
import { StreamError } from "../../../src/errors.ts";
import { decodeBookmark } from "../../../src/position/bookmark.ts";
import type { PartitionEnd, Place } from "../../../src/position/place.ts";
import type { ReaderOptions } from "../../../src/replay/reader-types.ts";
import { createReader } from "../../../src/replay/reader.ts";
import { PROVIDER, fakeContext } from "./fake-context.ts";
import { FakeLog, IDENTITY, fakeRecord } from "./fake-log.ts";

/** A provider without an order between keys, which itself keeps what was read. Its marks are named by what they cover. */
class MarkingLog {
  readonly named: string[] = [];
  readonly marks: string[] = [];
  /** Runs while a mark is made. */
  making: () => Promise<void> = async () => {};
  closed = 0;
  readonly #log = new FakeLog("0");
  readonly #end: PartitionEnd;
  readonly #deliveries: readonly (readonly StoredRecord[])[];
  #isClosed = false;

  constructor(
    deliveries: readonly (readonly StoredRecord[])[],
    end: PartitionEnd = { kind: "quiet" },
    start: Place = { kind: "timestamp", timestampMs: 0 },
  ) {
    this.#deliveries = deliveries;
    this.#end = end;
    this.#log.reader = () => ({
      resolve: async () => {
        this.#isClosed = false;
        return {
          identity: IDENTITY,
          partitions: [{ partition: "0", start, end: this.#end, parents: [], gap: null }],
        };
      },
      read: (_, sink, signal) => this.#read(sink, signal),
      handedOut: (partition, { position }) => void this.named.push(`${partition}:${Number(position)}`),
      mark: async (signal) => {
        if (this.#isClosed) throw new Error("a closed driver was asked for a mark");
        await this.making();
        const name = this.named.join(" ");
        signal.throwIfAborted();
        // What is named meanwhile is covered as well, as at a service.
        this.marks.push(name);
        return new Map<string, Place>([["0", { kind: "mark", name }]]);
      },
      close: async () => {
        this.#isClosed = true;
        this.closed += 1;
      },
    });
  }

  async #read(sink: ReaderSink, signal: AbortSignal): Promise<void> {
    for (const records of this.#deliveries) if (!(await sink.deliver("0", records))) return;
    if (!sink.caughtUp("0")) return;
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }

  open(options: ReaderOptions = { until: "now" }) {
    const reader = createReader(fakeContext(this.#log), options);
    const place = async () => decodeBookmark(await reader.bookmark(), PROVIDER, IDENTITY).get("0");
    return { reader, iterator: reader[Symbol.asyncIterator](), place };
  }
}

const records = (...indexes: number[]): readonly StoredRecord[] => indexes.map((index) => fakeRecord(index, `"${index}"`));

test("a reader that still stands at its start has the start as its bookmark, and makes no mark", async () => {
  const log = new MarkingLog([records(0, 1)]);
  const { reader, place } = log.open();
  expect(await place()).toEqual({ kind: "timestamp", timestampMs: 0 });
  await reader.close();
  expect(await place()).toEqual({ kind: "timestamp", timestampMs: 0 });
  expect(log.marks).toEqual([]);
});

test("a reader at the latest makes a mark for its first bookmark, and none where nobody asks", async () => {
  const log = new MarkingLog([], { kind: "quiet" }, { kind: "latest" });
  const unasked = log.open();
  expect(await unasked.iterator.next()).toMatchObject({ done: true });
  await unasked.reader.close();
  expect(log.marks).toEqual([]);
  const { reader, place } = log.open();
  expect(await place()).toEqual({ kind: "mark", name: "" });
  await reader.close();
  expect(await place()).toEqual({ kind: "mark", name: "" });
  expect(log.marks).toEqual([""]);
});

test("a reader at the latest that is asked after it was closed makes its mark before the driver is closed again", async () => {
  const log = new MarkingLog([], { kind: "quiet" }, { kind: "latest" });
  const { reader, place } = log.open();
  await reader.close();
  expect(await place()).toEqual({ kind: "mark", name: "" });
  expect(await place()).toEqual({ kind: "mark", name: "" });
  expect(log.marks).toEqual([""]);
});

test("a mark covers what was handed out, not what was delivered, and is made once where nothing was handed out since", async () => {
  const log = new MarkingLog([records(0, 1, 2, 3)]);
  const { reader, iterator, place } = log.open();
  await iterator.next();
  await iterator.next();
  expect(await place()).toEqual({ kind: "mark", name: "0:0 0:1" });
  expect(await place()).toEqual({ kind: "mark", name: "0:0 0:1" });
  await iterator.next();
  await reader.close();
  expect(await place()).toEqual({ kind: "mark", name: "0:0 0:1 0:2" });
  expect(log.marks).toEqual(["0:0 0:1", "0:0 0:1 0:2"]);
  expect(log.closed).toBe(1);
});

test("marks are of the moments in which they were asked for, however long they take", async () => {
  const log = new MarkingLog([records(0, 1, 2, 3, 4, 5)]);
  const { reader, iterator, place } = log.open();
  const making = Promise.withResolvers<void>();
  log.making = () => making.promise;
  await iterator.next();
  const first = place();
  await iterator.next();
  await iterator.next();
  const second = place();
  await iterator.next();
  const third = place();
  await iterator.next();
  expect(log.named).toEqual(["0:0"]);
  making.resolve();
  expect(await first).toEqual({ kind: "mark", name: "0:0" });
  expect(await second).toEqual({ kind: "mark", name: "0:0 0:1 0:2" });
  expect(await third).toEqual({ kind: "mark", name: "0:0 0:1 0:2 0:3" });
  expect(log.named).toHaveLength(5);
  await reader.close();
  expect(await place()).toEqual({ kind: "mark", name: "0:0 0:1 0:2 0:3 0:4" });
});

test("the end of a range is marked as well, if the reader was asked for a bookmark before", async () => {
  const log = new MarkingLog([records(0, 1)]);
  const { iterator, place } = log.open();
  await place();
  while ((await iterator.next()).done !== true);
  expect(log.marks).toEqual(["0:0 0:1"]);
  expect(log.closed).toBe(1);
  expect(await place()).toEqual({ kind: "mark", name: "0:0 0:1" });
});

test("a closed reader that was never asked for a bookmark makes none, and says how to get one", async () => {
  const log = new MarkingLog([records(0, 1)]);
  const { reader, iterator } = log.open();
  await iterator.next();
  await reader.close();
  expect(log.marks).toEqual([]);
  await expect(reader.bookmark()).rejects.toMatchObject({
    code: "closed",
    provider: PROVIDER,
    topic: "topic",
    message: expect.stringContaining("only while the reader is open"),
  });
});

test("a mark that fails is the caller's error, the next call makes another one, and close closes all the same", async () => {
  const log = new MarkingLog([records(0, 1, 2)]);
  const { reader, iterator, place } = log.open();
  await iterator.next();
  const refused = new StreamError("conflict", "the backlog is too old");
  log.making = () => Promise.reject(refused);
  await expect(reader.bookmark()).rejects.toMatchObject({ code: "conflict", message: "the backlog is too old", operation: "read" });
  log.making = async () => {};
  expect(await place()).toEqual({ kind: "mark", name: "0:0" });
  await iterator.next();
  log.making = () => Promise.reject(refused);
  await reader.close();
  expect(log.closed).toBe(1);
  await expect(reader.bookmark()).rejects.toMatchObject({ code: "conflict" });
});

test("close does not wait longer for a mark than it may, and the driver is closed behind it", async () => {
  const log = new MarkingLog([records(0, 1)]);
  const { reader, iterator } = log.open();
  await reader.bookmark();
  await iterator.next();
  log.making = () => new Promise(() => {});
  await (reader as unknown as { close(options: { timeoutMs: number }): Promise<void> }).close({ timeoutMs: 20 });
  await expect(reader.bookmark()).rejects.toMatchObject({ code: "closed" });
  await expect.poll(() => log.closed).toBe(1);
});

test("without an order between keys a range until a time goes on behind later records, withholds them, and ends when it has caught up", async () => {
  // The times are 0 to 5.
  const log = new MarkingLog([records(4, 0), records(5), records(1, 3, 2)], { kind: "stored-before", timestampMs: 3 });
  const { iterator, place, reader } = log.open({ until: { timestamp: 3 } });
  await reader.bookmark();
  const values: unknown[] = [];
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) values.push(next.value.value);
  expect(values).toEqual(["0", "1", "2"]);
  expect(log.named).toEqual(["0:0", "0:1", "0:2"]);
  expect(await place()).toEqual({ kind: "mark", name: "0:0 0:1 0:2" });
});

test("a range until a time before its start is empty without an order between keys too", async () => {
  const log = new MarkingLog([records(0, 1)], { kind: "stored-before", timestampMs: 0 });
  const { iterator } = log.open({ until: { timestamp: 0 } });
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  expect(log.named).toEqual([]);
});
