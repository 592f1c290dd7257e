import { expect, test } from "vitest";
import { StoredSlice, eachStored, notStored } from "../../../src/adapter-kit/index.ts";
import { type OutgoingRecord, StreamError } from "../../../src/driver/index.ts";

const record = (timestampMs: number | null): OutgoingRecord => ({
  key: null,
  value: null,
  headers: [],
  timestampMs,
  toPartition: undefined,
});

test("a position of a stored slice is made when it is read, from where its first record is", () => {
  let made = 0;
  const slice = new StoredSlice("3", 1_000, 40n, (first, index) => {
    made += 1;
    return String(first + BigInt(index));
  });
  expect(slice).toMatchObject({ outcome: "stored", partition: "3", timestampMs: 1_000 });
  expect(made).toBe(0);
  expect([slice.positionOf(2), slice.positionOf(0)]).toEqual(["42", "40"]);
});

test("records with times of their own have a result each, in order", () => {
  const results = eachStored([record(5), record(null)], ({ timestampMs }, index) => ({
    partition: "3",
    position: String(index),
    timestampMs: timestampMs ?? 9,
  }));
  expect(results).toEqual([
    { outcome: "stored", partition: "3", position: "0", timestampMs: 5 },
    { outcome: "stored", partition: "3", position: "1", timestampMs: 9 },
  ]);
});

test("what is not stored is retried or refused, as its error says", () => {
  const busy = new StreamError("throttled", "slow down");
  expect(notStored(busy)).toEqual({ outcome: "retryable", error: busy });
  expect(notStored(busy, 250)).toEqual({ outcome: "retryable", error: busy, retryAfterMs: 250 });
  const invalid = new StreamError("invalid-argument", "no");
  expect(notStored(invalid, 250)).toEqual({ outcome: "refused", error: invalid });
});
