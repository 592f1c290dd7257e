import { expect, test } from "vitest";
import { Log } from "../../../../../adapters/memory/broker/log.ts";
import { COUNTED } from "../../../../../adapters/memory/broker/positions.ts";
import { outgoing, text } from "../harness.ts";

const forEver = { retentionMs: null, retentionBytes: null };

function filled(count: number, nowMs = 1_000): Log {
  const log = new Log(COUNTED);
  for (let index = 0; index < count; index += 1) log.append(outgoing(`k${index}`, `v${index}`), nowMs + index);
  return log;
}

function readFrom(log: Log, from: number): string[] {
  const values: string[] = [];
  for (let index = from; index < log.endIndex;) {
    const records = log.read(index, 1_000, 1_048_576);
    for (const record of records) values.push(text(record.value)!);
    index += records.length;
  }
  return values;
}

test("appended records are read back in order, over many segments, from any place", () => {
  const log = filled(20_000);
  const values = readFrom(log, 0);
  expect(values).toHaveLength(20_000);
  expect(values.every((value, index) => value === `v${index}`)).toBe(true);
  for (const from of [1, 63, 64, 65, 191, 4_000, 19_999]) expect(readFrom(log, from)[0]).toBe(`v${from}`);
  expect(log.read(20_000, 10, 10)).toEqual([]);
});

test("a read is bounded by count and bytes, and has at least one record", () => {
  const log = filled(50);
  expect(log.read(0, 7, 1_000_000)).toHaveLength(7);
  expect(log.read(0, 1_000, 9)).toHaveLength(3);
  expect(log.read(0, 1_000, 1)).toHaveLength(1);
});

test("null, empty and binary keys and values, and repeated headers in order, come back as they were", () => {
  const log = new Log(COUNTED);
  const all = new Uint8Array(256).map((_, index) => index);
  log.append(outgoing(null, null), 1);
  log.append(outgoing("", ""), 1);
  log.append(
    {
      ...outgoing(null, null),
      key: all,
      value: all,
      headers: [
        ["b", all],
        ["a", new Uint8Array(0)],
        ["b", Uint8Array.of(255)],
      ],
    },
    1,
  );
  const [nothing, empty, binary] = log.read(0, 10, 10_000);
  expect([nothing!.key, nothing!.value, nothing!.bytes]).toEqual([null, null, 0]);
  expect([empty!.key?.length, empty!.value?.length]).toEqual([0, 0]);
  expect([binary!.key, binary!.value]).toEqual([all, all]);
  expect(binary!.headers).toEqual([
    ["b", all],
    ["a", new Uint8Array(0)],
    ["b", Uint8Array.of(255)],
  ]);
  expect(binary!.bytes).toBe(256 + 256 + 3 + 256 + 1);
});

test("the log keeps no reference to appended bytes, and hands out no bytes of its own", () => {
  const log = new Log(COUNTED);
  const record = { ...outgoing("key", "value"), headers: [["name", Uint8Array.of(1)]] as const };
  log.append(record, 1);
  record.key!.fill(0);
  record.value!.fill(0);
  record.headers[0][1].fill(0);
  for (let round = 0; round < 2; round += 1) {
    const [read] = log.read(0, 1, 100);
    expect([text(read!.key), text(read!.value), read!.headers[0]![1]]).toEqual(["key", "value", Uint8Array.of(1)]);
    read!.key!.fill(0);
    read!.value!.fill(0);
    read!.headers[0]![1]!.fill(0);
  }
});

test("a header without a value and a time that no number holds are kept as they are, and the time is found", () => {
  const log = new Log(COUNTED);
  log.append({ ...outgoing("key", "value"), headers: [["none", null]] as const, timestampMs: -1 }, 1);
  log.append(outgoing("key", "value", { timestampMs: 1_700_000_000_123_456_789n }), 1);
  const read = log.read(0, 2, 100);
  expect(read[0]!.headers).toEqual([["none", null]]);
  expect(read.map(({ timestampMs }) => timestampMs)).toEqual([-1, 1_700_000_000_123_456_789n]);
  expect([-1, 0, 8.64e15].map((timestampMs) => log.findTimestamp(timestampMs))).toEqual([0, 1, 1]);
});

test("retention by age drops records that were stored too long ago, whatever time their producer gave them", () => {
  const log = filled(100, 1_000);
  log.append(outgoing("k", "old event", { timestampMs: 5 }), 1_100);
  log.trim({ retentionMs: 50, retentionBytes: null }, 1_090);
  expect([log.firstIndex, log.endIndex]).toEqual([41, 101]);
  expect(log.newestDroppedMs).toBe(1_040);
  expect(readFrom(log, 41)[0]).toBe("v41");
  log.trim({ retentionMs: 50, retentionBytes: null }, 10_000);
  expect([log.firstIndex, log.isEmpty, log.bytes]).toEqual([101, true, 0]);
  log.append(outgoing("k", "new"), 10_001);
  expect(readFrom(log, 101)).toEqual(["new"]);
});

test("retention by bytes keeps the newest records that fit", () => {
  const log = new Log(COUNTED);
  for (let index = 0; index < 10_000; index += 1) log.append(outgoing("key", String(index).padStart(7, "0")), index);
  log.trim({ retentionMs: null, retentionBytes: 1_000 }, 0);
  expect([log.bytes, log.firstIndex, log.endIndex]).toEqual([1_000, 9_900, 10_000]);
  log.trim(forEver, Infinity);
  expect(log.firstIndex).toBe(9_900);
});

test("a time means the first record in log order stored at or after it", () => {
  const log = new Log(COUNTED);
  for (const timestampMs of [10, 30, 20, 40, 40, 15]) log.append(outgoing("k", "v", { timestampMs }), 1);
  expect([0, 10, 11, 25, 31, 40, 41].map((time) => log.findTimestamp(time))).toEqual([0, 0, 1, 1, 3, 3, null]);
});

test("the writer wakes a waiting reader, even if it wrote just before", async () => {
  const log = filled(1);
  const signal = AbortSignal.timeout(1_000);
  const seen = log.changed.version;
  const waiting = log.changed.wait(seen, signal);
  log.changed.wake();
  expect(await waiting).toBe(true);
  expect(await log.changed.wait(seen, signal)).toBe(true);
  expect(await log.changed.wait(log.changed.version, signal, 1)).toBe(false);
  expect(await log.changed.wait(log.changed.version, AbortSignal.abort())).toBe(false);
});

/** A key and a value, `null` for a tombstone. */
function keyed(entries: readonly (readonly [key: string | null, value: string | null])[]): Log {
  const log = new Log(COUNTED);
  for (const [index, [key, value]] of entries.entries()) log.append(outgoing(key, value), 1_000 + index);
  return log;
}

/** Index and value of everything that is left. */
function left(log: Log): string[] {
  const seen: string[] = [];
  for (let from = log.firstIndex; from < log.endIndex;) {
    const records = log.read(from, 1_000, 1_048_576);
    if (records.length === 0) break;
    for (const record of records) seen.push(`${record.index} ${text(record.value)}`);
    from = records.at(-1)!.index + 1;
  }
  return seen;
}

test("compaction leaves the newest record of each key, keyless records and the end of the log where they are", () => {
  const log = keyed([
    ["a", "1"],
    ["b", "1"],
    [null, "keyless"],
    ["a", "2"],
    ["gone", "1"],
    ["b", "2"],
    ["gone", null],
  ]);
  const before = log.bytes;
  log.compact();
  expect(left(log)).toEqual(["2 keyless", "3 2", "5 2"]);
  expect([log.firstIndex, log.endIndex, before - log.bytes]).toEqual([0, 7, 13]);
  expect(log.read(0, 1, 1_000)[0]!.index).toBe(2);
  expect(log.read(6, 10, 1_000)).toEqual([]);
  expect([log.isRemoved(0), log.isRemoved(2), log.isRemoved(6), log.isRemoved(7)]).toEqual([true, false, true, false]);
  log.append(outgoing("a", "3"), 2_000);
  log.compact();
  expect(left(log)).toEqual(["2 keyless", "5 2", "7 3"]);
});

test("a time in a log with holes means the first record left; retention drops records and holes alike", () => {
  const log = keyed(Array.from({ length: 200 }, (_, index) => [`k${index % 3}`, String(index)] as const));
  log.compact();
  expect(left(log)).toEqual(["197 197", "198 198", "199 199"]);
  expect(log.findTimestamp(1_000)).toBe(197);
  expect(log.findTimestamp(1_199)).toBe(199);
  log.trim({ retentionMs: 10, retentionBytes: null }, 1_208);
  expect([log.firstIndex, log.bytes]).toEqual([199, 5]);
  log.trim({ retentionMs: 10, retentionBytes: null }, 2_000);
  expect([log.isEmpty, log.bytes]).toEqual([true, 0]);
});
