import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { FetchedPartition } from "../../../../../adapters/kafka/client/kafka-client.ts";
import { UnreadableOffsets } from "../../../../../adapters/kafka/fetch/unreadable-offsets.ts";
import { codecNumber, compress } from "../../../../../adapters/kafka/log/compression.ts";
import { FetchedBatches } from "../../../../../adapters/kafka/log/record-batch-reader.ts";
import { writeBatch } from "../../../../../adapters/kafka/log/record-batch-writer.ts";
import type { KafkaRecord } from "../../../../../adapters/kafka/records.ts";
import { type OutgoingRecord, bytesToText, isStreamError, textToBytes, toStoredTime } from "../../../../../src/driver/index.ts";
import { sealed } from "../sealed.ts";

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

/** A batch as the server stores it: with an offset, and attributes if needed. */
async function stored(records: readonly OutgoingRecord[], baseOffset: bigint, attributes = 0, producerId = -1n): Promise<Buffer> {
  const batch = Buffer.from(await writeBatch(records, NOW_MS, "none", { producerId, epoch: 0, firstSequence: 0 }));
  batch.writeBigInt64BE(baseOffset, 0);
  batch.writeInt16BE(attributes, 21);
  return sealed(batch);
}

const shown = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString("hex"));

/** What a record tells of its parts, in order. */
function toldParts(record: KafkaRecord): (readonly [string | null, string | null])[] {
  const told: (readonly [string | null, string | null])[] = [];
  const read = ({ buffer, byteOffset }: DataView, at: number, length: number) =>
    length < 0 ? null : shown(new Uint8Array(buffer, byteOffset + at, length));
  record.readParts({
    key: (memory, at, length) => void told.push(["key", read(memory, at, length)]),
    value: (memory, at, length) => void told.push(["value", read(memory, at, length)]),
    header: (memory, nameAt, nameLength, valueAt, valueLength) =>
      void told.push([read(memory, nameAt, nameLength), read(memory, valueAt, valueLength)]),
  });
  return told;
}

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const marker = (type: number) => record({ key: Uint8Array.of(0, 0, 0, type), value: Uint8Array.of(0, 0, 0, 0, 0, 0) });
const valueOf = ({ value }: { readonly value: Uint8Array | null }) => (value === null ? null : Buffer.from(value).toString());
const text = (value: string) => record({ value: Buffer.from(value) });

test("a batch of one record follows Kafka's format, byte for byte", async () => {
  const batch = await writeBatch(
    [record({ key: Buffer.from("k"), value: Buffer.from("v"), headers: [["h", Buffer.from("1")]], timestampMs: 1_000 })],
    NOW_MS,
    "none",
    null,
  );
  const parts = [
    "0000000000000000", // base offset
    "0000003e", // bytes after this field
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

test("written records are read unchanged: bytes, null and empty, headers in order with repeats, times", async () => {
  const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
  // Header names of any bytes, as text.
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
    expect(read.records.map(toldParts)).toEqual(
      records.map(({ key, value, headers }) => [
        ["key", shown(key)],
        ["value", shown(value)],
        ...headers.map(([name, content]) => [shown(textToBytes(name, "a name")), shown(content)]),
      ]),
    );
  });
  await fc.assert(property, { numRuns: 60, seed: 4 });
});

test("reading starts in the middle of a batch, and an incomplete batch is left for the next read", async () => {
  const first = await stored([text("a"), text("b"), text("c")], 10n);
  const second = await stored([text("d")], 13n);
  const read = await readBatches(fetched(Buffer.concat([first, second.subarray(0, second.length - 1)])), 11n);
  expect(read.records.map(valueOf)).toEqual(["b", "c"]);
  expect(read.records.map(({ position }) => position)).toEqual(["11", "12"]);
  expect(read.nextOffset).toBe(13n);
});

test("aborted records and control records are left out, and reading continues after them", async () => {
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

test("the leader epochs of the records are reported, up to the last record that was read", async () => {
  const batches = await Promise.all([0n, 2n, 4n, 6n].map(async (base) => stored([text("a"), text("b")], base)));
  for (const [index, epoch] of [3, 3, 5, 6].entries()) batches[index]!.writeInt32BE(epoch, 12);
  const { epochs } = await readBatches(fetched(Buffer.concat(batches)), 1n);
  expect(epochs).toEqual([
    { leaderEpoch: 3, firstOffset: 1n, endOffset: 4n },
    { leaderEpoch: 5, firstOffset: 4n, endOffset: 6n },
    { leaderEpoch: 6, firstOffset: 6n, endOffset: 8n },
  ]);
  const bad = withoutHeaderName(await stored([text("a"), named], 8n));
  bad.writeInt32BE(7, 12);
  expect((await readBatches(fetched(Buffer.concat([batches[3]!, bad])), 6n)).epochs).toEqual([
    { leaderEpoch: 6, firstOffset: 6n, endOffset: 8n },
    { leaderEpoch: 7, firstOffset: 8n, endOffset: 9n },
  ]);
  // Compaction has removed what was between them.
  const later = await stored([text("b")], 20n);
  later.writeInt32BE(8, 12);
  expect((await readBatches(fetched(Buffer.concat([batches[3]!, sealed(later)])), 6n)).epochs.at(-1)).toEqual({
    leaderEpoch: 8,
    firstOffset: 20n,
    endOffset: 21n,
  });
});

test("reading continues after a batch that compaction has emptied", async () => {
  const empty = Buffer.from((await stored([text("a")], 20n)).subarray(0, 61));
  empty.writeInt32BE(49, 8);
  empty.writeInt32BE(4, 23);
  empty.writeInt32BE(0, 57);
  sealed(empty);
  expect(await readBatches(fetched(empty), 20n)).toEqual({
    records: [],
    nextOffset: 25n,
    epochs: [{ leaderEpoch: -1, firstOffset: 20n, endOffset: 25n }],
  });
});

test("the time is the server's if the topic is set so", async () => {
  const batch = await stored([record({ timestampMs: 5 }), record({ timestampMs: 9 })], 0n, 0x08);
  batch.writeBigInt64BE(77n, 35);
  sealed(batch);
  const { records } = await readBatches(fetched(batch), 0n);
  expect(records.map(({ timestampMs }) => timestampMs)).toEqual([77, 77]);
});

test("times beyond 2^53 are exact, also of later records in a batch, and times of the server", async () => {
  const nanoseconds = 1_700_000_000_123_456_789n;
  const batch = await stored([record({ timestampMs: -1 }), record({ timestampMs: nanoseconds }), record({ timestampMs: 0 })], 0n);
  const { records } = await readBatches(fetched(batch), 0n);
  expect(records.map(({ timestampMs }) => timestampMs)).toEqual([-1, nanoseconds, 0]);
  expect(batch.readBigInt64BE(35)).toBe(nanoseconds);
  batch.writeInt16BE(0x08, 21);
  const appended = await readBatches(fetched(sealed(batch)), 0n);
  expect(appended.records.map(({ timestampMs }) => timestampMs)).toEqual([nanoseconds, nanoseconds, nanoseconds]);
});

test("a header without a value is delivered, and differs from an empty one; a name that is not text keeps its bytes", async () => {
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

/** The unreadable range if a portion starts at this offset. */
async function unreadable(
  answer: FetchedPartition,
  fromOffset: bigint,
): Promise<{ first: bigint; last: bigint; reason: string; code: string }> {
  const error = await readBatches(answer, fromOffset).then(
    () => expect.unreachable(),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof UnreadableOffsets)) throw error;
  const code = isStreamError(error.cause) ? error.cause.code : "none";
  return { first: error.first, last: error.last, reason: error.toRange(answer.partition).reason, code };
}

/** A record whose header can lose its name. */
const named = record({ headers: [["name", Buffer.from("x")]] });

/** The length of the header's name becomes -1. */
function withoutHeaderName(batch: Buffer): Buffer {
  batch[batch.indexOf(Buffer.from([0x08, ...Buffer.from("name"), 0x02]))] = 0x01;
  return sealed(batch);
}

async function compressed(codec: "none" | "gzip" | "zstd", batch: Buffer): Promise<Buffer> {
  if (codec === "none") return batch;
  const whole = Buffer.concat([batch.subarray(0, 61), await compress(codec, batch.subarray(61))]);
  whole.writeInt32BE(whole.length - 12, 8);
  whole.writeInt16BE(codecNumber(codec), 21);
  return sealed(whole);
}

test.each(["none", "gzip", "zstd"] as const)(
  "of a batch (%s), all records before and after an unreadable record are delivered",
  async (codec) => {
    const batch = await compressed(codec, withoutHeaderName(await stored([text("a"), text("b"), named, text("d")], 10n)));
    const answer = fetched(batch, { partition: 3 });
    const before = await readBatches(answer, 10n);
    expect(before.records.map(valueOf)).toEqual(["a", "b"]);
    // The next request starts with the unreadable offset, so it is thrown.
    expect(before.nextOffset).toBe(12n);
    expect(await unreadable(answer, 12n)).toMatchObject({
      first: 12n,
      last: 12n,
      reason: expect.stringMatching(/offset 12 of partition "3".*header/),
    });
    const behind = await readBatches(answer, 13n);
    expect(behind.records.map(valueOf)).toEqual(["d"]);
    expect(behind.nextOffset).toBe(14n);
  },
);

test("if a record has a wrong length, it and the rest of its batch are unreadable", async () => {
  const batch = await stored([text("a"), text("b"), text("c"), text("d")], 10n);
  // Each record takes eight bytes.
  batch[61 + 8] = 0x7e;
  sealed(batch);
  const answer = fetched(Buffer.concat([batch, await stored([text("e")], 14n)]));
  expect((await readBatches(answer, 10n)).records.map(valueOf)).toEqual(["a"]);
  expect(await unreadable(answer, 11n)).toMatchObject({ first: 11n, last: 13n, code: "corrupt" });
  expect((await readBatches(answer, 14n)).records.map(valueOf)).toEqual(["e"]);
});

test("whole batches before an unreadable record are delivered, or left out", async () => {
  const bad = withoutHeaderName(await stored([named, text("behind")], 13n));
  const plain = await stored([text("a"), text("b"), text("c")], 10n);
  const behindRecords = await readBatches(fetched(Buffer.concat([plain, bad])), 11n);
  expect(behindRecords.records.map(valueOf)).toEqual(["b", "c"]);
  expect(behindRecords.nextOffset).toBe(13n);
  const control = await stored([text("x"), text("y"), marker(0)], 10n, TRANSACTIONAL | CONTROL, 7n);
  expect(await readBatches(fetched(Buffer.concat([control, bad])), 10n)).toMatchObject({ records: [], nextOffset: 13n });
  // Compaction has removed the offsets before it. A range may end there.
  expect(await readBatches(fetched(bad), 11n)).toMatchObject({ records: [], nextOffset: 13n });
});

/** Changes a letter of the last value. Only the checksum shows that. */
const flip = (batch: Buffer): void => void (batch[batch.length - 2]! ^= 0x01);
const change =
  (at: number, write: (batch: Buffer, at: number) => void) =>
  (batch: Buffer): void =>
    write(batch, at);
const codec = (number: number) => (batch: Buffer) => {
  batch.writeInt16BE(number, 21);
  sealed(batch);
};

test.each<[what: string, damage: (batch: Buffer) => void, code: string]>([
  ["a bit of a value", flip, "corrupt"],
  ["its checksum", change(17, (batch, at) => batch.writeUInt32BE(1, at)), "corrupt"],
  ["its attributes, as of a control batch", change(21, (batch, at) => batch.writeInt16BE(CONTROL, at)), "corrupt"],
  ["the number of its records", change(57, (batch, at) => batch.writeInt32BE(2, at)), "corrupt"],
  ["the number of its offsets: too many", change(23, (batch, at) => batch.writeInt32BE(700, at)), "corrupt"],
  ["the number of its offsets: one more", change(23, (batch, at) => batch.writeInt32BE(3, at)), "corrupt"],
  ["the number of its offsets: negative", change(23, (batch, at) => batch.writeInt32BE(-5, at)), "corrupt"],
  ["its length: too short for a batch", change(8, (batch, at) => batch.writeInt32BE(5, at)), "corrupt"],
  ["its compression: gzip", codec(1), "corrupt"],
  ["its compression: snappy", codec(2), "corrupt"],
  ["its compression: LZ4", codec(3), "corrupt"],
  ["its compression: zstd", codec(4), "corrupt"],
  ["its compression: one that is not known", codec(5), "unsupported"],
])(
  "an unreadable batch, by %s, is one range with its offsets; the records before and after it are delivered",
  async (_what, damage, code) => {
    const before = await stored([text("a"), text("b")], 10n);
    const bad = await stored([text("one"), text("two"), text("three")], 12n);
    const behind = await stored([text("e")], 15n);
    damage(bad);
    const answer = fetched(Buffer.concat([before, bad, behind]));
    const { records, nextOffset } = await readBatches(answer, 10n);
    expect(records.map(valueOf)).toEqual(["a", "b"]);
    expect(nextOffset).toBe(12n);
    // The view of the next request.
    const next = fetched(Buffer.concat([bad, behind]));
    expect(await unreadable(next, 12n)).toMatchObject({ first: 12n, last: 14n, code, reason: expect.stringContaining("offsets 12 to 14") });
    expect(await unreadable(next, 13n)).toMatchObject({ first: 13n, last: 14n });
  },
);

test("a batch of an old format is unreadable up to its last message, whose offset it contains", async () => {
  const old = await stored([text("c")], 19n);
  old[16] = 1;
  const next = await stored([text("d")], 20n);
  expect(await unreadable(fetched(Buffer.concat([old, next])), 12n)).toMatchObject({ first: 12n, last: 19n, code: "unsupported" });
});

test("of a damaged batch without a next batch, only the certainly unreadable offset is skipped", async () => {
  const batch = await stored([text("a"), text("b"), text("c")], 10n);
  flip(batch);
  // The batch's own numbers agree.
  expect(await unreadable(fetched(batch), 10n)).toMatchObject({ first: 10n, last: 12n });
  batch.writeInt32BE(5, 23);
  expect(await unreadable(fetched(batch), 10n)).toMatchObject({ first: 10n, last: 10n });
  expect(await unreadable(fetched(batch), 11n)).toMatchObject({ first: 11n, last: 11n });
  // A batch after it shows where it ends. At that offset, reading has passed it.
  const answer = fetched(Buffer.concat([batch, await stored([text("d")], 13n)]));
  expect(await unreadable(answer, 11n)).toMatchObject({ first: 11n, last: 12n });
  expect((await readBatches(answer, 13n)).records.map(valueOf)).toEqual(["d"]);
});

test("a batch with fewer records than its header says is read to its end", async () => {
  const batch = await stored([text("a"), text("b")], 10n);
  batch.writeInt32BE(3, 57);
  const read = await readBatches(fetched(Buffer.concat([sealed(batch), await stored([text("c")], 12n)])), 10n);
  expect(read.records.map(valueOf)).toEqual(["a", "b", "c"]);
  expect(read.nextOffset).toBe(13n);
});

test("the native form is that of kafkajs", async () => {
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

test("an answer is decompressed in portions within the limit, of at least one batch", async () => {
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
