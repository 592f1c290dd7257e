import { describe, expect, test } from "vitest";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "../../../../../adapters/kafka/group/member-metadata.ts";

describe("the subscription of a member", () => {
  test("is decoded unchanged", () => {
    const subscription = { topic: "flüge", partitionCount: 12, owned: [0, 7, 11], generation: 42 };
    expect(decodeSubscription(encodeSubscription(subscription))).toEqual(subscription);
    const first = { topic: "orders", partitionCount: 1, owned: [], generation: -1 };
    expect(decodeSubscription(encodeSubscription(first))).toEqual(first);
  });

  test("has the layout that Kafka's tools read", () => {
    const bytes = encodeSubscription({ topic: "ab", partitionCount: 3, owned: [2], generation: 5 });
    const expected = [
      "0002", // version
      "00000001 0002 6162", // topics
      "00000004 00000003", // streamport's own part
      "00000001 0002 6162 00000001 00000002", // owned partitions
      "00000005", // generation
    ];
    expect(bytes.toString("hex")).toBe(expected.join("").replaceAll(" ", ""));
  });

  test("that is incomplete or has an older layout is refused", () => {
    const bytes = encodeSubscription({ topic: "orders", partitionCount: 3, owned: [2], generation: 5 });
    expect(() => decodeSubscription(bytes.subarray(0, bytes.length - 1))).toThrow(RangeError);
    const old = Buffer.from(bytes);
    old.writeInt16BE(0);
    expect(() => decodeSubscription(old)).toThrow("version 0; version 2 or newer");
  });
});

describe("the assignment of a member", () => {
  test("is decoded unchanged", () => {
    const assignment = { topic: "orders", partitions: [3, 4], moving: true };
    expect(decodeAssignment("orders", encodeAssignment(assignment))).toEqual(assignment);
    const nothing = { topic: "orders", partitions: [], moving: false };
    expect(decodeAssignment("orders", encodeAssignment(nothing))).toEqual(nothing);
  });

  test("has the layout that Kafka's tools read", () => {
    const bytes = encodeAssignment({ topic: "ab", partitions: [1, 2], moving: false });
    expect(bytes.toString("hex")).toBe("0001 00000001 0002 6162 00000002 00000001 00000002 00000001 00".replaceAll(" ", ""));
  });

  test("may be empty, and leaves out other topics", () => {
    expect(decodeAssignment("orders", Buffer.alloc(0))).toEqual({ topic: "orders", partitions: [], moving: false });
    const ofAnother = encodeAssignment({ topic: "flights", partitions: [1], moving: false });
    expect(decodeAssignment("orders", ofAnother).partitions).toEqual([]);
  });
});
