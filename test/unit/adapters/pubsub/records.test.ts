import { describe, expect, test } from "vitest";
import { comparePositions, publishedMessage, storedRecord } from "../../../../adapters/pubsub/records.ts";
import { portions } from "../../../../adapters/pubsub/subscription/portions.ts";
import { wireTime } from "../../../../adapters/pubsub/subscription/wire-time.ts";
import type { HeaderList, OutgoingRecord } from "../../../../src/driver/index.ts";

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const message = (key: string | null, value: string | null, headers: HeaderList = []): OutgoingRecord => ({
  key: key === null ? null : bytes(key),
  value: value === null ? null : bytes(value),
  headers,
  timestampMs: null,
  toPartition: undefined,
});

const received = (sent: ReturnType<typeof publishedMessage>) =>
  storedRecord({
    ackId: "a",
    deliveryAttempt: 0,
    message: { ...sent, messageId: "7", publishTime: { seconds: "1700000000", nanos: 987_654_321 } },
  });

describe("what is published is read", () => {
  test.each<[string, string | null, string | null, HeaderList]>([
    [
      "key, value and headers",
      "LX-1é",
      "v",
      [
        ["a", bytes("1")],
        ["constructor", bytes("2")],
        ["__proto__", bytes("3")],
      ],
    ],
    ["no key", null, "v", []],
    ["an empty value with headers", "k", "", [["a", bytes("")]]],
    ["an empty value alone", "k", "", []],
    ["a tombstone", "k", null, []],
    ["a tombstone with headers", "k", null, [["a", bytes("1")]]],
    ["a header with the name of the marker beside a value", "k", "v", [["streamport-value", bytes("tombstone")]]],
  ])("%s", (_, key, value, headers) => {
    const record = received(publishedMessage(message(key, value, headers)));
    expect(record.key === null ? null : Buffer.from(record.key).toString()).toBe(key);
    expect(record.value === null ? null : Buffer.from(record.value).toString()).toBe(value);
    expect(record.headers.map(([name, text]) => [name, Buffer.from(text!).toString()])).toEqual(
      headers.map(([name, text]) => [name, Buffer.from(text!).toString()]),
    );
    expect(record).toMatchObject({ position: "7", timestampMs: 1_700_000_000_987, deliveryAttempt: null });
  });
});

test("no message is without data and attributes, because the service refuses it", () => {
  for (const value of ["", null]) expect(Object.keys(publishedMessage(message("k", value)).attributes)).toHaveLength(1);
});

test("a header that would be taken for the marker is refused", () => {
  expect(() => publishedMessage(message("k", null, [["streamport-value", bytes("x")]]))).toThrow(
    expect.objectContaining({ code: "invalid-argument" }) as Error,
  );
});

test("positions have some total order, and others are refused", () => {
  expect(["10", "9", "100", "9"].toSorted(comparePositions)).toEqual(["9", "9", "10", "100"]);
  expect(() => comparePositions("", "1")).toThrow(expect.objectContaining({ code: "invalid-argument" }) as Error);
  expect(() => comparePositions("1", "1".repeat(300))).toThrow(expect.objectContaining({ code: "invalid-argument" }) as Error);
});

test("a time of a seek keeps its milliseconds", () => {
  expect(wireTime(1_700_000_000_987)).toEqual({ seconds: 1_700_000_000, nanos: 987_000_000 });
  expect(wireTime(0)).toEqual({ seconds: 0, nanos: 0 });
});

test("portions are cut by bytes, with at least one record in each", () => {
  const records = [5, 5, 30, 1, 1].map((size) => ({ ...received(publishedMessage(message(null, "x".repeat(size)))) }));
  expect([...portions(records, 10)].map((portion) => portion.map((record) => record.bytes))).toEqual([[5, 5], [30], [1, 1]]);
  expect([...portions([], 10)]).toEqual([]);
});
