import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { CallShape } from "../../../src/driver/producer-driver.ts";
import { FRAME_HEADER_OVERHEAD_BYTES, FRAME_RECORD_OVERHEAD_BYTES, FrameWriter, partitionKeyOf } from "../../../src/envelope/index.ts";
import { recordBytes } from "../../../src/record-limits.ts";
import { UNBOUNDED, anyBatch, contentOf, frameOf, framed, message, utf8 } from "./frames.ts";

const SHAPE = {
  recordOverheadBytes: FRAME_RECORD_OVERHEAD_BYTES,
  headerOverheadBytes: FRAME_HEADER_OVERHEAD_BYTES,
} as CallShape;

const isShortText = (key: Uint8Array): boolean => key.length > 0 && key.length <= 256;

test("whatever the messages: what is read is what was written, and its size was known and declared", () => {
  fc.assert(
    fc.property(anyBatch, ({ key, messages }) => {
      const partitionKey = partitionKeyOf(key, isShortText);
      const writer = new FrameWriter(partitionKey, UNBOUNDED);
      for (const each of messages) expect(writer.add(each)).toBe(true);
      const { bytes, count } = writer;
      const frame = writer.finish();
      expect(count).toBe(messages.length);
      expect(frame.length).toBe(bytes);
      expect(framed(frame, partitionKey).map(contentOf)).toEqual(messages.map((each) => contentOf({ ...each, id: each.id ?? null })));
      const idBytes = messages.map(({ id }) => (id === null || id === undefined ? 0 : 1 + id.length));
      const declared = messages.map(({ key: ofMessage, value, headers }) => recordBytes(ofMessage, value, headers, SHAPE));
      expect(frame.length).toBeLessThanOrEqual([...declared, ...idBytes].reduce((sum, bytes) => sum + bytes));
    }),
    { numRuns: 400, seed: 1 },
  );
});

test("a frame holds what its bounds allow, and not one byte or message more", () => {
  fc.assert(
    fc.property(
      anyBatch,
      fc.integer({ min: 0, max: 40_000 }),
      fc.integer({ min: 1, max: 8 }),
      ({ key, messages }, maxBytes, maxMessages) => {
        const writer = new FrameWriter(key, { maxBytes, maxMessages });
        const taken = messages.filter((each) => {
          const before = writer.bytes;
          const isTaken = writer.add(each);
          if (!isTaken) expect(writer.bytes).toBe(before);
          return isTaken;
        });
        expect(writer.count).toBe(taken.length);
        expect(taken.length).toBeLessThanOrEqual(maxMessages);
        if (taken.length === 0) return;
        const frame = writer.finish();
        expect(frame.length).toBeLessThanOrEqual(maxBytes);
        expect(framed(frame, key)).toHaveLength(taken.length);
      },
    ),
    { numRuns: 200, seed: 2 },
  );
  const exact = frameOf([message({ value: utf8("exact") })], null).length;
  for (const [maxBytes, fits] of [
    [exact, true],
    [exact - 1, false],
  ] as const) {
    expect(new FrameWriter(null, { maxBytes, maxMessages: 1 }).add(message({ value: utf8("exact") }))).toBe(fits);
  }
});

test("a message refused for its size takes nothing from the next, and a finished writer is empty", () => {
  const writer = new FrameWriter(utf8("k"), { maxBytes: 40, maxMessages: 5 });
  expect(writer.add(message({ key: utf8("k"), value: new Uint8Array(100) }))).toBe(false);
  expect(writer.add(message({ key: utf8("k"), value: utf8("small") }))).toBe(true);
  const first = writer.finish();
  expect(writer.count).toBe(0);
  expect(writer.add(message({ key: utf8("k"), value: utf8("small") }))).toBe(true);
  expect(writer.finish()).toEqual(first);
  expect(() => writer.finish()).toThrow(expect.objectContaining({ code: "internal" }));
});

test("a packed message of 100 bytes costs 2 bytes more than its value; the frame, once, 10 and its key", () => {
  const messages = Array.from({ length: 100 }, () => message({ key: utf8("flight-LX-1234"), value: new Uint8Array(100) }));
  expect(frameOf(messages, utf8("flight-LX-1234"))).toHaveLength(10 + 15 + 100 * (2 + 100));
});

test("a message of another key is not packed: readers would take the frame for a foreign record", () => {
  const writer = new FrameWriter(utf8("a"), UNBOUNDED);
  expect(writer.add(message({ key: utf8("a") }))).toBe(true);
  expect(() => writer.add(message({ key: utf8("b") }))).toThrow(expect.objectContaining({ code: "internal" }));
  expect(() => new FrameWriter(null, UNBOUNDED).add(message({ key: utf8("a") }))).toThrow(expect.objectContaining({ code: "internal" }));
  expect(writer.count).toBe(1);
});

test.each([2n ** 63n, -(2n ** 63n) - 1n, 2 ** 63, Number.NaN, Number.POSITIVE_INFINITY])(
  "the time %s has more than 64 bits",
  (timestampMs) => {
    const writer = new FrameWriter(null, UNBOUNDED);
    expect(() => writer.add(message({ timestampMs }))).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(writer.count).toBe(0);
  },
);

test("what no length of a frame can express is refused before anything is encoded", () => {
  const huge = { length: 2 ** 28 } as Uint8Array;
  expect(new FrameWriter(null, UNBOUNDED).add(message({ value: huge }))).toBe(false);
});
