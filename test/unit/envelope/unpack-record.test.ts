import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FrameMessage, type UnpackedRecord, partitionKeyOf, unpackRecord } from "../../../src/envelope/index.ts";
import { anyBatch, contentOf, frameOf, framed, message, serviceRecord, utf8 } from "./frames.ts";

const KEY = utf8("flight-LX-1234");
const BATCH: readonly FrameMessage[] = [
  message({ key: KEY, value: utf8("first"), headers: [["a", utf8("1")]], timestampMs: 1_700_000_000_123 }),
  message({ key: KEY, value: null, id: utf8("id-2") }),
];

/** Makes the checksum valid again, so that only the structure can be wrong. */
function sealed(frame: Buffer): Buffer {
  frame.writeUInt32BE(crc32(frame.subarray(8)), 4);
  return frame;
}

function withContent(...content: readonly number[]): Buffer {
  return sealed(Buffer.from([0xf7, 0x53, 0x50, 0x46, 0, 0, 0, 0, 1, ...content]));
}

function unpack(data: Uint8Array, partitionKey: Uint8Array | null = KEY): UnpackedRecord {
  return unpackRecord(serviceRecord(data, partitionKey));
}

function expectRaw(unpacked: UnpackedRecord, data: Uint8Array, partitionKey: Uint8Array | null, reason?: string): void {
  expect(unpacked).toMatchObject({ kind: "foreign", ...(reason === undefined ? {} : { reason }) });
  if (unpacked.kind !== "foreign") return;
  const { record } = unpacked;
  expect(record.value).toBe(data);
  expect(record.key).toBe(partitionKey);
  expect(record.headers).toEqual([]);
  expect(record.position).toBe(serviceRecord(data, null).position);
  expect(record.bytes).toBe(data.length + (partitionKey?.length ?? 0));
}

/** Reads every part of every message. @throws where a view is not within the data */
function expectWithin(unpacked: UnpackedRecord, data: Uint8Array): void {
  if (unpacked.kind !== "frame") return;
  for (const { key, id, value, headers } of unpacked.records) {
    for (const part of [key, id, value, ...headers.map(([, content]) => content)]) {
      if (part === null || part.length === 0) continue;
      expect(part.buffer).toBe(data.buffer);
      expect(part.byteOffset).toBeGreaterThanOrEqual(data.byteOffset + 10);
      expect(part.byteOffset + part.length).toBeLessThanOrEqual(data.byteOffset + data.length);
    }
  }
}

function expectUnreadable(unpacked: UnpackedRecord, code: string): void {
  expect(unpacked).toMatchObject({ kind: "unreadable", range: { cause: { code } } });
  if (unpacked.kind !== "unreadable") return;
  const { position } = serviceRecord(KEY, null);
  expect(unpacked.range).toMatchObject({ first: `${position}/0`, last: position });
  expect(unpacked.range.reason).toContain(position);
}

describe("damage", () => {
  test("every single bit of a frame is checked: with one changed it is the record's bytes again", () => {
    const frame = frameOf(BATCH, KEY);
    for (let bit = 0; bit < frame.length * 8; bit += 1) {
      const damaged = Buffer.from(frame);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expectRaw(unpack(damaged), damaged, KEY, bit < 32 ? "no-frame" : "checksum");
    }
  });

  test("a frame that is cut, longer, or has bytes exchanged is the record's bytes again", () => {
    const frame = frameOf(BATCH, KEY);
    for (let length = 0; length < frame.length; length += 1) {
      const cut = frame.subarray(0, length);
      expectRaw(unpack(cut), cut, KEY);
    }
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 20 }), (start, count, inserted) => {
        const at = start % (frame.length + 1);
        const damaged = Buffer.concat([frame.subarray(0, at), inserted, frame.subarray(Math.min(frame.length, at + (count % 21)))]);
        if (!damaged.equals(frame)) expectRaw(unpack(damaged), damaged, KEY);
      }),
      { numRuns: 3_000, seed: 3 },
    );
  });

  test("any bytes are handed on as they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.option(fc.uint8Array({ maxLength: 20 })), (data, partitionKey) => {
        expectRaw(unpack(data, partitionKey), data, partitionKey, "no-frame");
      }),
      { numRuns: 500, seed: 4 },
    );
  });
});

describe("a valid checksum over anything", () => {
  test("is a frame whose parts lie within it, or unreadable; nothing throws", () => {
    const kinds = { frame: 0, foreign: 0, unreadable: 0 };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 4 }), (content, count) => {
        const data = withContent(count, ...content);
        const unpacked = unpack(data);
        kinds[unpacked.kind] += 1;
        expectWithin(unpacked, data);
        if (unpacked.kind === "foreign") expectRaw(unpacked, data, KEY, "partition-key");
        if (unpacked.kind === "unreadable") expectUnreadable(unpacked, "corrupt");
      }),
      { numRuns: 3_000, seed: 5 },
    );
    expect(kinds.unreadable).toBeGreaterThan(1_000);
  });

  test("a frame with bytes changed under a valid checksum is read within it, and reads the same when written again", () => {
    const kinds = { frame: 0, foreign: 0, unreadable: 0 };
    fc.assert(
      fc.property(
        anyBatch,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 }),
        ({ key, messages }, changes) => {
          const partitionKey = partitionKeyOf(key, () => true);
          const data = frameOf(messages.slice(0, 3), partitionKey);
          for (const [at, byte] of changes) data[9 + (at % Math.min(60, data.length - 9))] = byte;
          const unpacked = unpack(sealed(data), partitionKey);
          kinds[unpacked.kind] += 1;
          expectWithin(unpacked, data);
          if (unpacked.kind !== "frame") return;
          const again = unpacked.records.map(({ key: same, id, headers, producedAtMs, value }) => ({
            key: same,
            id,
            headers,
            timestampMs: producedAtMs,
            value,
          }));
          expect(framed(frameOf(again, partitionKey), partitionKey).map(contentOf)).toEqual(again.map(contentOf));
        },
      ),
      { numRuns: 1_000, seed: 6 },
    );
    for (const count of Object.values(kinds)) expect(count).toBeGreaterThan(20);
  });

  test.each([
    ["no messages", [0]],
    ["more messages than bytes", [0xff, 0xff, 0x7f, 0, 0, 1]],
    ["no count", []],
    ["the first message with the key of the one before", [1, 0x01, 1]],
    ["flags that are not known", [1, 0x10, 0, 1]],
    ["a value that ends behind the frame", [1, 0, 0, 9, 65]],
    ["a number of five bytes", [1, 0, 0, 0x81, 0x80, 0x80, 0x80, 0x00]],
    ["a number that goes on behind the frame", [1, 0, 0, 0x80]],
    ["a time that ends behind the frame", [1, 0x04, 0, 0, 0, 0]],
    ["bytes behind the last message", [1, 0, 0, 1, 0]],
    ["headers that end behind the frame", [1, 0x08, 0, 2, 1, 65, 1]],
  ])("%s: corrupt", (_, content) => {
    expectUnreadable(unpack(withContent(...content)), "corrupt");
  });
});

test("a version that is not known is unreadable, never raw: its bytes are no value", () => {
  for (const version of [0, 2, 3, 255]) {
    const frame = frameOf(BATCH, KEY);
    frame[8] = version;
    expectUnreadable(unpack(sealed(frame)), "unsupported");
    expectUnreadable(unpack(sealed(Buffer.concat([frame.subarray(0, 9)]))), "unsupported");
    const damaged = Buffer.from(frame);
    damaged[damaged.length - 1]! ^= 1;
    expectRaw(unpack(damaged), damaged, KEY, "checksum");
  }
});

test("a frame under another partition key, or none, is the record's bytes", () => {
  const frame = frameOf(BATCH, KEY);
  for (const other of [utf8("flight-LX-1235"), utf8("flight-LX-123"), new Uint8Array(0), null]) {
    expectRaw(unpack(frame, other), frame, other, "partition-key");
  }
  const keyless = frameOf([message({ value: utf8("v") })], null);
  for (const any of [KEY, null]) expect(unpack(keyless, any).kind).toBe("frame");
});

test("one message of another key makes the whole record foreign", () => {
  // Two messages: the keys "a" and "b".
  const frame = withContent(2, 0, 2, 0x61, 1, 0, 2, 0x62, 1);
  for (const partitionKey of [utf8("a"), utf8("b")]) expectRaw(unpack(frame, partitionKey), frame, partitionKey, "partition-key");
});

test("a frame within a frame is a value", () => {
  const inner = frameOf(BATCH, KEY);
  const [only] = framed(frameOf([message({ key: KEY, value: inner })], KEY), KEY);
  expect(Buffer.from(only!.value!)).toEqual(inner);
});

test("records are as a driver hands them out", () => {
  const record = serviceRecord(frameOf(BATCH, KEY), KEY);
  const unpacked = unpackRecord(record);
  expect(unpacked.kind).toBe("frame");
  if (unpacked.kind !== "frame") return;
  const [first, second] = unpacked.records;
  expect(first).toMatchObject({
    position: `${record.position}/0`,
    timestampMs: record.timestampMs,
    producedAtMs: 1_700_000_000_123,
    bytes: 14 + 5 + 2,
  });
  expect(second).toMatchObject({ position: `${record.position}/1`, timestampMs: record.timestampMs, producedAtMs: null, bytes: 14 });
  expect(first!.native).toBe(record.native);
  expect(first!.deliveryAttempt).toBeNull();
  expect(second!.value).toBeNull();
  expect(first!.key).toBe(second!.key);
  expect(framed(frameOf([BATCH[0]!], KEY), KEY)[0]!.position).toBe(record.position);
});

test("values are views: a part of a larger buffer is read in its place", () => {
  const frame = frameOf(BATCH, KEY);
  const larger = new Uint8Array(frame.length + 30);
  larger.set(frame, 13);
  const [first] = framed(larger.subarray(13, 13 + frame.length), KEY);
  expect(first!.value!.buffer).toBe(larger.buffer);
  expect(Buffer.from(first!.value!).toString()).toBe("first");
});
