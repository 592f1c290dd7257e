import * as fc from "fast-check";
import { expect, test } from "vitest";
import { codecNumber, compress } from "../../../../adapters/kafka/compression/compression.ts";
import type { FetchedPartition } from "../../../../adapters/kafka/kafka-client.ts";
import { FetchedBatches } from "../../../../adapters/kafka/record-batch-reader.ts";
import { writeBatch } from "../../../../adapters/kafka/record-batch-writer.ts";
import { type OutgoingRecord, bytesToText, toStoredTime } from "../../../../src/driver/index.ts";

const NOW_MS = 1_700_000_000_000;

function record(over: Partial<OutgoingRecord> = {}): OutgoingRecord {
  return { key: null, value: null, headers: [], timestampMs: null, toPartition: undefined, ...over };
}

function fetched(batches: Buffer, over: Partial<FetchedPartition> = {}): FetchedPartition {
  const ends = { highWatermark: 1_000n, lastStableOffset: 1_000n, logStartOffset: 0n };
  return { partition: 0, errorCode: 0, ...ends, divergingEpoch: null, abortedTransactions: [], batches, ...over };
}

/** The whole answer in one portion. */
const readBatches = (answer: FetchedPartition, fromOffset: bigint) => new FetchedBatches(answer).read(fromOffset, Infinity);

/** As the server stores it: with an offset, and attributes if need be. */
async function stored(records: readonly OutgoingRecord[], baseOffset: bigint, attributes = 0, producerId = -1n): Promise<Buffer> {
  const batch = Buffer.from(await writeBatch(records, NOW_MS, "none", { producerId, epoch: 0, firstSequence: 0 }));
  batch.writeBigInt64BE(baseOffset, 0);
  batch.writeInt16BE(attributes, 21);
  return batch;
}

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const marker = (type: number) => record({ key: Uint8Array.of(0, 0, 0, type), value: Uint8Array.of(0, 0, 0, 0, 0, 0) });
const valueOf = ({ value }: { readonly value: Uint8Array | null }) => (value === null ? null : Buffer.from(value).toString());
const text = (value: string) => record({ value: Buffer.from(value) });

test("a batch of one record is, byte for byte, what Kafka's format says", async () => {
  const batch = await writeBatch(
    [record({ key: Buffer.from("k"), value: Buffer.from("v"), headers: [["h", Buffer.from("1")]], timestampMs: 1_000 })],
    NOW_MS,
    "none",
    null,
  );
  const parts = [
    "0000000000000000", // base offset
    "0000003e", // bytes behind this field
    "ffffffff", // leader epoch
    "02", // format
    batch.subarray(17, 21).toString("hex"), // checksum
    "0000", // attributes
    "00000000", // last offset delta
    "00000000000003e8", // first timestamp
    "00000000000003e8", // largest timestamp
    "ffffffffffffffff", // producer id
    "ffff", // producer epoch
    "ffffffff", // first sequence
    "00000001", // records
    "18000000026b02760202680231", // length, attributes, two differences, key, value, one header
  ];
  expect(batch.toString("hex")).toBe(parts.join(""));
});

test("what is written is read again: bytes, null and empty, headers in order with repeats, times", async () => {
  const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
  // Names of any bytes, as text.
  const name = fc.uint8Array({ maxLength: 20 }).map((bytes) => bytesToText(bytes));
  const headers = fc.array(fc.tuple(name, fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null })), { maxLength: 5 });
  const times = [fc.integer({ min: -1, max: 4_000_000_000_000 }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(toStoredTime)];
  const anyRecord = fc.record({
    key: bytesOrNull,
    value: bytesOrNull,
    headers,
    timestampMs: fc.option(fc.oneof(...times), { nil: null }),
    toPartition: fc.constant(undefined),
  });
  const compressions = fc.constantFrom("none" as const, "gzip" as const, "zstd" as const);
  const property = fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 40 }), compressions, async (records, compression) => {
    const batch = await writeBatch(records, NOW_MS, compression, null);
    const read = await readBatches(fetched(batch), 0n);
    expect(read.nextOffset).toBe(BigInt(records.length));
    expect(read.records.map(({ key, value, headers, timestampMs, position }) => ({ key, value, headers, timestampMs, position }))).toEqual(
      records.map(({ key, value, headers, timestampMs }, index) => ({
        key: key === null ? null : new Uint8Array(key),
        value: value === null ? null : new Uint8Array(value),
        headers: headers.map(([name, content]) => [name, content === null ? null : new Uint8Array(content)]),
        timestampMs: timestampMs ?? NOW_MS,
        position: String(index),
      })),
    );
  });
  await fc.assert(property, { numRuns: 60, seed: 4 });
});

test("reading begins in the middle of a batch, and a batch that is cut off is left for the next time", async () => {
  const first = await stored([text("a"), text("b"), text("c")], 10n);
  const second = await stored([text("d")], 13n);
  const read = await readBatches(fetched(Buffer.concat([first, second.subarray(0, second.length - 1)])), 11n);
  expect(read.records.map(valueOf)).toEqual(["b", "c"]);
  expect(read.records.map(({ position }) => position)).toEqual(["11", "12"]);
  expect(read.nextOffset).toBe(13n);
});

test("aborted records and control records are left out and passed", async () => {
  const batches = Buffer.concat([
    await stored([text("aborted")], 0n, TRANSACTIONAL, 7n),
    await stored([text("other producer")], 1n, TRANSACTIONAL, 8n),
    await stored([marker(0)], 2n, TRANSACTIONAL | CONTROL, 7n),
    await stored([text("committed later")], 3n, TRANSACTIONAL, 7n),
    await stored([marker(1)], 4n, TRANSACTIONAL | CONTROL, 7n),
    await stored([text("without transaction")], 5n, 0, 7n),
  ]);
  const read = await readBatches(fetched(batches, { abortedTransactions: [{ producerId: 7n, firstOffset: 0n }] }), 0n);
  expect(read.records.map(valueOf)).toEqual(["other producer", "committed later", "without transaction"]);
  expect(read.nextOffset).toBe(6n);
});

test("under which leaders the records were stored is told, up to where they have been read", async () => {
  const batches = await Promise.all([0n, 2n, 4n, 6n].map(async (base) => stored([text("a"), text("b")], base)));
  for (const [index, epoch] of [3, 3, 5, 6].entries()) batches[index]!.writeInt32BE(epoch, 12);
  const { epochs } = await readBatches(fetched(Buffer.concat(batches)), 1n);
  expect(epochs).toEqual([
    { leaderEpoch: 3, endOffset: 4n },
    { leaderEpoch: 5, endOffset: 6n },
    { leaderEpoch: 6, endOffset: 8n },
  ]);
  const bad = withoutHeaderName(await stored([text("a"), nameless], 8n));
  bad.writeInt32BE(7, 12);
  expect((await readBatches(fetched(Buffer.concat([batches[3]!, bad])), 6n)).epochs).toEqual([
    { leaderEpoch: 6, endOffset: 8n },
    { leaderEpoch: 7, endOffset: 9n },
  ]);
});

test("a batch that compaction has emptied is passed", async () => {
  const empty = Buffer.from((await stored([text("a")], 20n)).subarray(0, 61));
  empty.writeInt32BE(49, 8);
  empty.writeInt32BE(4, 23);
  empty.writeInt32BE(0, 57);
  expect(await readBatches(fetched(empty), 20n)).toEqual({ records: [], nextOffset: 25n, epochs: [{ leaderEpoch: -1, endOffset: 25n }] });
});

test("the time is the server's where the topic says so", async () => {
  const batch = await stored([record({ timestampMs: 5 }), record({ timestampMs: 9 })], 0n, 0x08);
  batch.writeBigInt64BE(77n, 35);
  const { records } = await readBatches(fetched(batch), 0n);
  expect(records.map(({ timestampMs }) => timestampMs)).toEqual([77, 77]);
});

test("times beyond 2^53 are exact, also where they lie behind others in a batch, and of the server", async () => {
  const nanoseconds = 1_700_000_000_123_456_789n;
  const batch = await stored([record({ timestampMs: -1 }), record({ timestampMs: nanoseconds }), record({ timestampMs: 0 })], 0n);
  const { records } = await readBatches(fetched(batch), 0n);
  expect(records.map(({ timestampMs }) => timestampMs)).toEqual([-1, nanoseconds, 0]);
  expect(batch.readBigInt64BE(35)).toBe(nanoseconds);
  batch.writeInt16BE(0x08, 21);
  const appended = await readBatches(fetched(batch), 0n);
  expect(appended.records.map(({ timestampMs }) => timestampMs)).toEqual([nanoseconds, nanoseconds, nanoseconds]);
});

test("a header without a value is handed out, and is not an empty one; a name that is no text keeps its bytes", async () => {
  const headers = [
    ["tracestate", null],
    ["empty", new Uint8Array(0)],
    ["", new Uint8Array(1)],
    ["\udcff\udc80", null],
  ] as const;
  const batch = await stored([record({ headers })], 0n);
  expect(batch.includes(Buffer.from("04ff8001", "hex"))).toBe(true);
  const { records } = await readBatches(fetched(batch), 0n);
  expect(records[0]!.headers).toEqual(headers);
  expect(records[0]!.bytes).toBe(18);
  expect(records[0]!.native).toMatchObject({ headers: { tracestate: null } });
});

test("positions beyond 2^53 are exact", async () => {
  const { records } = await readBatches(fetched(await stored([text("a"), text("b")], 9_007_199_254_740_992n)), 0n);
  expect(records.map(({ position }) => position)).toEqual(["9007199254740992", "9007199254740993"]);
});

test("what cannot be right is corrupt, what is not known is unsupported", async () => {
  const noName = withoutHeaderName(await stored([nameless], 0n));
  await expect(readBatches(fetched(noName), 0n)).rejects.toMatchObject({ code: "corrupt", message: expect.stringContaining("offset 0") });
  const longRecord = await stored([text("a")], 0n);
  longRecord[61] = 0x7e;
  await expect(readBatches(fetched(longRecord), 0n)).rejects.toMatchObject({ code: "corrupt" });
  const oldFormat = await stored([text("a")], 0n);
  oldFormat[16] = 1;
  await expect(readBatches(fetched(oldFormat), 0n)).rejects.toMatchObject({ code: "unsupported" });
  for (const [codec, code] of [
    [1, "corrupt"],
    [2, "corrupt"],
    [3, "corrupt"],
    [4, "corrupt"],
    [5, "unsupported"],
  ] as const) {
    await expect(readBatches(fetched(await stored([text("not compressed at all")], 0n, codec)), 0n)).rejects.toMatchObject({ code });
  }
});

/** A record that no client writes: its header has no name. */
const nameless = record({ headers: [["name", Buffer.from("x")]] });

/** The length of the header's name becomes -1. */
function withoutHeaderName(batch: Buffer): Buffer {
  batch[batch.indexOf(Buffer.from([0x08, ...Buffer.from("name")]))] = 0x01;
  return batch;
}

async function compressed(codec: "none" | "gzip" | "zstd", batch: Buffer): Promise<Buffer> {
  if (codec === "none") return batch;
  const whole = Buffer.concat([batch.subarray(0, 61), await compress(codec, batch.subarray(61))]);
  whole.writeInt32BE(whole.length - 12, 8);
  whole.writeInt16BE(codecNumber(codec), 21);
  return whole;
}

test.each(["none", "gzip", "zstd"] as const)(
  "of a batch (%s) everything before a record that cannot be read is handed out",
  async (codec) => {
    const batch = await compressed(codec, withoutHeaderName(await stored([text("a"), text("b"), nameless, text("d")], 10n)));
    const answer = fetched(batch, { partition: 3 });
    const before = await readBatches(answer, 10n);
    expect(before.records.map(valueOf)).toEqual(["a", "b"]);
    // The next request begins with it, and says so.
    expect(before.nextOffset).toBe(12n);
    await expect(readBatches(answer, 12n)).rejects.toMatchObject({
      code: "corrupt",
      partition: "3",
      message: expect.stringMatching(/offset 12 of partition "3".*header/),
    });
    const behind = await readBatches(answer, 13n);
    expect(behind.records.map(valueOf)).toEqual(["d"]);
    expect(behind.nextOffset).toBe(14n);
  },
);

test("whole batches before a record that cannot be read are handed out, or passed", async () => {
  const bad = withoutHeaderName(await stored([nameless, text("behind")], 13n));
  const plain = await stored([text("a"), text("b"), text("c")], 10n);
  const behindRecords = await readBatches(fetched(Buffer.concat([plain, bad])), 11n);
  expect(behindRecords.records.map(valueOf)).toEqual(["b", "c"]);
  expect(behindRecords.nextOffset).toBe(13n);
  const control = await stored([text("x"), text("y"), marker(0)], 10n, TRANSACTIONAL | CONTROL, 7n);
  expect(await readBatches(fetched(Buffer.concat([control, bad])), 10n)).toMatchObject({ records: [], nextOffset: 13n });
  // What compaction has left out before it: a range may end there.
  expect(await readBatches(fetched(bad), 11n)).toMatchObject({ records: [], nextOffset: 13n });
});

test("whole batches before one that cannot be read are handed out, and nothing of that one is passed", async () => {
  const plain = await stored([text("a"), text("b")], 10n);
  const unreadable = async (attributes: number) => stored([text("not compressed at all")], 12n, attributes);
  const oldFormat = await stored([text("c")], 19n);
  oldFormat[16] = 1;
  for (const [second, code, offset] of [
    [await unreadable(1), "corrupt", 12n],
    [await unreadable(4), "corrupt", 12n],
    [await unreadable(5), "unsupported", 12n],
    // Its offset can be that of the last message in it.
    [oldFormat, "unsupported", 12n],
  ] as const) {
    const answer = fetched(Buffer.concat([plain, second]));
    const { records, nextOffset } = await readBatches(answer, 10n);
    expect(records.map(valueOf)).toEqual(["a", "b"]);
    expect(nextOffset).toBe(offset);
    const next = fetched(second);
    await expect(readBatches(next, nextOffset)).rejects.toMatchObject({
      code,
      partition: "0",
      message: expect.stringContaining("offset 12"),
    });
  }
});

test("the native form is kafkajs's", async () => {
  const headers = [
    ["a", Buffer.from("1")],
    ["b", Buffer.from("2")],
    ["a", Buffer.from("3")],
  ] as const;
  const { records } = await readBatches(fetched(await stored([record({ key: Buffer.from("k"), headers })], 3n)), 0n);
  expect(records[0]!.native).toEqual({
    key: Buffer.from("k"),
    value: null,
    timestamp: String(NOW_MS),
    attributes: 0,
    offset: "3",
    headers: { a: [Buffer.from("1"), Buffer.from("3")], b: Buffer.from("2") },
    size: 7,
  });
});

test("an answer is decompressed in portions within the bound, of one batch at least", async () => {
  const zeros = (count: number) => Array.from({ length: count }, () => record({ value: new Uint8Array(10_000) }));
  const packed = async (baseOffset: bigint, count: number) => {
    const batch = Buffer.from(await writeBatch(zeros(count), NOW_MS, "zstd", null));
    batch.writeBigInt64BE(baseOffset, 0);
    return batch;
  };
  const whole = [await packed(0n, 3), await packed(3n, 3), await packed(6n, 3), await packed(9n, 3)];
  const cut = (await packed(12n, 3)).subarray(0, 80);
  const answer = new FetchedBatches(fetched(Buffer.concat([...whole, cut])));
  const portions: string[] = [];
  for (const [maxBytes, from] of [
    [70_000, 0n],
    [40_000, 6n],
    [20_000, 9n],
  ] as const) {
    const { records, nextOffset } = await answer.read(from, maxBytes);
    portions.push(`${records.length} to ${nextOffset}, ${answer.hasMore ? "more" : "the last"}`);
  }
  expect(portions).toEqual(["6 to 6, more", "3 to 9, more", "3 to 12, the last"]);
});
