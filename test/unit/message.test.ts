import { inspect } from "node:util";
import { expect, test } from "vitest";
import { ReceivedMessage, messageSource } from "../../src/message.ts";
import { decodePosition } from "../../src/position/position.ts";

const source = messageSource({
  provider: "memory",
  topic: "orders",
  partition: "3",
  identity: { cluster: "c", topic: "native-orders", incarnation: "i" },
});
const record = {
  key: Buffer.from("k"),
  value: Buffer.from("stored-bytes"),
  headers: [
    ["a", Buffer.from("1")],
    ["a", Buffer.from("2")],
    ["__proto__", Buffer.from("x")],
  ] as const,
  timestampMs: 1_000,
  position: "42",
  bytes: 20,
  deliveryAttempt: null,
  native: { secret: "vendor" },
};
const message = new ReceivedMessage(source, record, "k", { id: 1 });

test("spreads as an outgoing message: key, value and headers, not position, stored bytes or the SDK's object", () => {
  const spread: Record<string, unknown> = { ...message };
  expect(Object.keys(spread).sort()).toEqual(["headers", "key", "partition", "timestamp", "topic", "value"]);
  expect(spread).toMatchObject({ topic: "orders", partition: "3", key: "k", value: { id: 1 }, timestamp: new Date(1_000) });
});

test("of a repeated header the last value; odd names are plain names, and nothing is inherited", () => {
  expect(message.headers["a"]).toBe("2");
  expect(message.headers["__proto__"]).toBe("x");
  expect(message.headers["constructor"]).toBeUndefined();
  expect("toString" in new ReceivedMessage(source, { ...record, headers: [] }, "k", null).headers).toBe(false);
  expect(message.raw.headers).toHaveLength(3);
});

test("a header without a value is left out of the texts, also where one of its name had a value, and stands in raw", () => {
  const headers = [
    ["a", Buffer.from("1")],
    ["b", Buffer.alloc(0)],
    ["a", null],
  ] as const;
  const received = new ReceivedMessage(source, { ...record, headers }, "k", null);
  expect({ ...received.headers }).toEqual({ b: "" });
  expect(received.raw.headers).toEqual(headers);
});

test.each([
  [1_000, new Date(1_000), 1_000n],
  [-1, new Date(-1), -1n],
  [0, new Date(0), 0n],
  [8.64e15 + 2, new Date(8.64e15), 8_640_000_000_000_002n],
  [1_700_000_000_123_456_789n, new Date(8.64e15), 1_700_000_000_123_456_789n],
  [-(2n ** 63n), new Date(-8.64e15), -(2n ** 63n)],
])("a stored time of %s is a valid date, and exact in raw", (timestampMs, date, exact) => {
  const received = new ReceivedMessage(source, { ...record, timestampMs }, "k", null);
  expect(received.timestamp).toEqual(date);
  expect(received.raw.timestamp).toBe(exact);
  expect(JSON.stringify(received)).toContain(date.toISOString());
});

test("JSON and logs show the position and never the stored bytes", () => {
  const json = JSON.stringify(message);
  expect(JSON.parse(json)).toMatchObject({
    position: message.position,
    key: "k",
    value: { id: 1 },
    timestamp: new Date(1_000).toISOString(),
  });
  for (const text of [json, inspect(message, { depth: 9, showHidden: false })]) {
    expect(text).toContain(message.position);
    expect(text).not.toMatch(/stored-bytes|vendor|73 74 6f/);
  }
  expect(message.native).toBe(record.native);
});

test("the position names provider, topic, partition and place, the same each time", () => {
  expect(message.position).toBe(new ReceivedMessage(source, record, "k", null).position);
  expect(decodePosition(message.position)).toEqual({
    provider: "memory",
    cluster: "c",
    topic: "native-orders",
    incarnation: "i",
    partition: "3",
    position: "42",
  });
});
