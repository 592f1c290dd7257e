import { setTimeout } from "node:timers/promises";
import { test } from "vitest";
import type { OutgoingRecord } from "../../src/driver/record.ts";
import { copy, verify } from "../../src/migration/index.ts";
import { openSide } from "../../src/migration/side.ts";
import { provenanceWriter, withProvenance } from "../../src/provenance.ts";
import { openRecordSender } from "../../src/publish/open-record-sender.ts";
import { type Form, type MemorySide, keysOf, memorySide, produce, equalResult } from "./two-topics.ts";

/** Writes to the target what a copy of these messages would write, with what is wrong with it. */
async function write(
  source: MemorySide,
  target: MemorySide,
  numbers: readonly number[],
  change: (record: OutgoingRecord, number: number) => OutgoingRecord = (record) => record,
): Promise<void> {
  const from = await openSide(source, "test");
  const sender = openRecordSender((await openSide(target, "test")).context, undefined);
  await sender.prepare();
  const provenance = provenanceWriter(from.id, "0");
  const stored = await recordsOf(source);
  for (const number of numbers) {
    const { key, value, headers, timestampMs, position } = stored[number] ?? { ...stored[0]!, position: "7000" };
    const record = {
      key,
      value,
      headers: withProvenance(headers, provenance(String(number + 1), timestampMs, position)),
      timestampMs: sender.capabilities.producerTimestamps ? timestampMs : null,
      toPartition: undefined,
    };
    await sender.sendRecords([change(record, number)]);
  }
  await sender.close();
}

async function recordsOf(side: MemorySide) {
  const { RecordReader } = await import("../../src/replay/record-reader.ts");
  const { context } = await openSide(side, "test");
  const all = [];
  for await (const { records } of new RecordReader(context, { until: "now" }).batches(new AbortController().signal)) all.push(...records);
  return all;
}

const forms: readonly Form[] = ["kafka", "kinesis"];

test.for(forms)("verify finds what is missing, changed, doubled and out of order in memory like %s", async (form, context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 1);
  await produce(source, ["k"], 20);
  const expected = equalResult(20);
  const all = Array.from({ length: 20 }, (_, index) => index);
  const target = async (): Promise<MemorySide> => memorySide(context, form, "b", 2);

  const exact = await target();
  await write(source, exact, all);
  expect(await verify(source, exact)).toEqual(expected);

  const repeated = await target();
  await write(source, repeated, [...all.slice(0, 10), 5, 6, ...all.slice(10), 19]);
  expect(await verify(source, repeated)).toEqual({ ...expected, duplicates: 3 });

  const missing = await target();
  await write(
    source,
    missing,
    all.filter((number) => number !== 7 && number !== 9),
  );
  expect(await verify(source, missing)).toMatchObject({
    equal: false,
    targetMessages: 18,
    missing: 2,
    extra: 0,
    changed: 0,
    firstDifference: { kind: "missing", partition: "0", targetPosition: null },
  });

  for (const change of [
    (record: OutgoingRecord): OutgoingRecord => ({ ...record, value: Buffer.from("other") }),
    (record: OutgoingRecord): OutgoingRecord => ({ ...record, value: null }),
    (record: OutgoingRecord): OutgoingRecord => ({ ...record, headers: [["more", null], ...record.headers] }),
    (record: OutgoingRecord): OutgoingRecord => ({ ...record, headers: record.headers.slice(1) }),
    // Where the target keeps times.
    ...(form === "kafka" ? [(record: OutgoingRecord): OutgoingRecord => ({ ...record, timestampMs: Number(record.timestampMs) - 1 })] : []),
  ]) {
    const changed = await target();
    await write(source, changed, all, (record, number) => (number === 3 ? change(record) : record));
    expect(await verify(source, changed)).toMatchObject({
      equal: false,
      missing: 0,
      extra: 0,
      changed: 1,
      firstDifference: { kind: "changed", targetPosition: expect.any(String) },
    });
  }

  // Both contents are there, each in the place of the other.
  const stored = await recordsOf(source);
  const exchanged = await target();
  await write(source, exchanged, all, (record, number) => {
    const other = stored[number === 3 ? 5 : 3]!;
    const headers = [...other.headers, record.headers.at(-1)!];
    return number === 3 || number === 5 ? { ...record, value: other.value, headers } : record;
  });
  expect(await verify(source, exchanged)).toMatchObject({ equal: false, missing: 0, extra: 0, changed: 2, outOfOrder: 0 });

  const swapped = await target();
  await write(source, swapped, [0, 1, 3, 2, ...all.slice(4)]);
  expect(await verify(source, swapped)).toMatchObject({
    equal: false,
    missing: 0,
    changed: 0,
    outOfOrder: 1,
    firstDifference: { kind: "outOfOrder" },
  });
});

test("messages that the source has lost or got meanwhile, and those of others, are no difference", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 2);
  const target = await memorySide(context, "kafka", "b", 2);
  const keys = keysOf(5);
  await produce(source, keys, 10);
  await produce(target, keys, 3);
  await copy(source, target);
  await source.emulator.expire("a");
  await produce(source, keys, 10, 10);
  expect(await verify(source, target)).toMatchObject({ equal: false, sourceMessages: 50, missing: 50, extra: 0 });
  await copy(source, target);
  expect(await verify(source, target)).toMatchObject({ equal: true, sourceMessages: 50, targetMessages: 50 });
  // The copy back leaves out what has come from there.
  await copy(target, source);
  expect(await verify(target, source)).toMatchObject({ equal: true, sourceMessages: 15, targetMessages: 15 });
  expect(await verify(source, target)).toMatchObject({ equal: true, sourceMessages: 50, targetMessages: 50 });
});

test("what only the target has, because the source was compacted meanwhile, is extra", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 1);
  const target = await memorySide(context, "kinesis", "b", 2);
  await produce(source, ["first"], 1);
  await produce(source, ["k"], 20);
  await copy(source, target);
  await source.emulator.compact("a");
  expect(await verify(source, target)).toMatchObject({
    equal: false,
    sourceMessages: 2,
    targetMessages: 21,
    missing: 0,
    extra: 19,
    firstDifference: { kind: "extra", partition: "0", targetPosition: expect.any(String) },
  });
});

test("a copy that runs is verified as far as its group has come, and differences in that part are found", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 2);
  const target = await memorySide(context, "kinesis", "b", 2);
  const keys = keysOf(10);
  await produce(source, keys, 20);
  await copy(source, target);
  await produce(source, keys, 5, 20);
  expect(await verify(source, target)).toMatchObject({ equal: false, missing: 50 });
  expect(await verify(source, target, { group: "copy.a.to.b" })).toMatchObject({ equal: true, sourceMessages: 200, targetMessages: 200 });
  const controller = new AbortController();
  const copied = copy(source, target, { continuous: true, checkpointEveryMs: 5, batchMessages: 7, signal: controller.signal });
  for (let round = 0; round < 20; round += 1) {
    await produce(source, keys, 1, 25 + round);
    expect(await verify(source, target, { group: "copy.a.to.b" })).toMatchObject({ equal: true, duplicates: 0 });
  }
  controller.abort();
  await copied;
  // The group says that this was copied.
  const other = await memorySide(context, "kafka", "c", 2);
  expect(await verify(source, other, { group: "copy.a.to.b" })).toMatchObject({ equal: false, targetMessages: 0 });
});

test("a group whose places are not shown cannot say how far a copy has come", async (context) => {
  const source = await memorySide(context, "pubsub", "a", 1);
  const target = await memorySide(context, "kafka", "b", 1);
  await produce(source, ["k"], 3);
  await copy(source, target);
  await context.expect(verify(source, target, { group: "copy.a.to.b" })).rejects.toMatchObject({ code: "unsupported" });
});

test("what is verified can begin at a time, and can be a sample", async (context) => {
  const { expect } = context;
  const source = await memorySide(context, "kafka", "a", 2);
  const target = await memorySide(context, "kafka", "b", 3);
  const keys = keysOf(10);
  await produce(source, keys, 20);
  await setTimeout(20);
  const since = Date.now();
  await setTimeout(20);
  await produce(source, keys, 30, 20);
  expect(await verify(source, target, { since })).toMatchObject({ equal: false, sourceMessages: 300, missing: 300 });
  await copy(source, target);
  expect(await verify(source, target, { since })).toMatchObject({ equal: true, sourceMessages: 300, targetMessages: 300 });
  const { sourceMessages, ...sampled } = await verify(source, target, { sample: 5 });
  expect(sampled).toMatchObject({ equal: true, targetMessages: sourceMessages });
  expect(sourceMessages).toBeGreaterThan(50);
  expect(sourceMessages).toBeLessThan(150);
  await produce(source, keys, 40, 50);
  expect(await verify(source, target, { sample: 5 })).toMatchObject({ equal: false, targetMessages: sourceMessages });
});
