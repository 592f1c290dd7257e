import { createHash } from "node:crypto";
import type { _Record } from "@aws-sdk/client-kinesis";
import { describe, expect, test } from "vitest";
import { recordEntry } from "../../../../adapters/kinesis/produce/record-entry.ts";
import { hashOf } from "../../../../adapters/kinesis/read/hash-key.ts";
import { comparePositions, contentOf, plainRecords } from "../../../../adapters/kinesis/records.ts";
import type { OutgoingRecord, StoredRecord } from "../../../../src/driver/index.ts";
import { AGGREGATES } from "./kpl-aggregates.ts";

const SEQUENCE = "49590338271490256608559692538361571095921575989136588898";
const ALL = { firstHash: 0n, lastHash: 2n ** 128n - 1n };
const bytes = (text: string): Uint8Array => Buffer.from(text);
const message = (key: Uint8Array | null, value: Uint8Array | null): OutgoingRecord => ({
  key,
  value,
  headers: [["a", bytes("1")]],
  timestampMs: null,
  toPartition: undefined,
});

function stored(entry: { readonly Data: Uint8Array | undefined; readonly PartitionKey: string | undefined }): _Record {
  return { ...entry, SequenceNumber: SEQUENCE, ApproximateArrivalTimestamp: new Date(1_000) };
}

describe("what is written is read", () => {
  test.each([
    ["text", bytes("flight-LX-1234")],
    ["the longest partition key", bytes("é".repeat(256))],
    ["too long for a partition key", bytes("k".repeat(257))],
    ["empty", bytes("")],
    ["not UTF-8", Uint8Array.of(0xff, 0x00, 0x80)],
  ])("a key that is %s", (_, key) => {
    const entry = recordEntry("frame", [message(key, bytes("one")), message(key, null)], undefined);
    expect(entry.PartitionKey!.length).toBeLessThanOrEqual(256);
    expect(entry.PartitionKey!.length).toBeGreaterThan(0);
    const content = contentOf(stored(entry as never), "frame", ALL);
    if (content.kind !== "messages") throw new Error(content.kind);
    expect(content.messages.map(({ position }) => position)).toEqual([`${SEQUENCE}/0`, `${SEQUENCE}/1`]);
    expect(content.messages.map(({ key: read }) => Buffer.from(read!))).toEqual([Buffer.from(key), Buffer.from(key)]);
    expect(content.messages[0]).toMatchObject({ timestampMs: 1_000, headers: [["a", new Uint8Array(bytes("1"))]] });
    expect(content.messages[1]!.value).toBeNull();
  });

  test("a message without a key gets another partition key each time, and is read without one", () => {
    const [first, second] = [1, 2].map(() => recordEntry("frame", [message(null, bytes("one"))], undefined));
    expect(first!.PartitionKey).not.toBe(second!.PartitionKey);
    expect(contentOf(stored(first as never), "frame", ALL)).toMatchObject({ messages: [{ key: null, position: SEQUENCE }] });
  });

  test("a raw record is the value under the key, and never taken for a frame", () => {
    const entry = recordEntry("raw", [message(bytes("k"), bytes("v"))], "7");
    expect(entry).toEqual({ Data: bytes("v"), PartitionKey: "k", ExplicitHashKey: "7" });
    expect(() => recordEntry("raw", [message(bytes("k".repeat(257)), bytes("v"))], undefined)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.not.stringContaining("kkk") as string }),
    );
    const frame = recordEntry("frame", [message(bytes("k"), bytes("v"))], undefined);
    expect(contentOf(stored(frame as never), "raw", ALL)).toMatchObject({ messages: [{ value: frame.Data, headers: [] }] });
  });

  test("the key of a raw record is what its bytes say, also where the core knows another text of them", () => {
    const partitionKey = (key: Uint8Array, keyText: string): string | undefined => {
      return recordEntry("raw", [{ ...message(key, bytes("v")), keyText }], undefined).PartitionKey;
    };
    expect(partitionKey(bytes("é"), "é")).toBe("é");
    // Escaped bytes that are text together.
    expect(partitionKey(bytes("é"), "\udcc3\udca9")).toBe("é");
    expect(() => partitionKey(Uint8Array.of(0xff), "\udcff")).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(() => partitionKey(bytes("k".repeat(257)), "k".repeat(257))).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  test("raw records are the same where they are made when it is their turn", () => {
    const records = [
      stored({ Data: bytes("v"), PartitionKey: "é" }),
      stored({ Data: undefined, PartitionKey: undefined }),
      { Data: bytes("w"), PartitionKey: "k", SequenceNumber: SEQUENCE },
    ];
    const parts = ({ key, value, headers, position, timestampMs, bytes: size, deliveryAttempt, native }: StoredRecord) => {
      return { key, value, headers, position, timestampMs, size, deliveryAttempt, native };
    };
    const eager = records.flatMap((record) => {
      const content = contentOf(record, "raw", ALL);
      return content.kind === "messages" ? content.messages : [];
    });
    expect(eager).toHaveLength(records.length);
    expect(plainRecords(records).map(parts)).toEqual(eager.map(parts));
  });

  test("a frame under another key is handed on as it is, and noticed", () => {
    const { Data } = recordEntry("frame", [message(bytes("k"), bytes("v"))], undefined);
    const content = contentOf(stored({ Data, PartitionKey: "other" }), "frame", ALL);
    expect(content).toMatchObject({ isUnderOtherKey: true, messages: [{ value: Data, position: SEQUENCE }] });
    const withoutKey = contentOf(stored({ Data, PartitionKey: undefined }), "frame", ALL);
    expect(withoutKey).toMatchObject({ isUnderOtherKey: true, messages: [{ key: null }] });
  });
});

describe("records that the KPL has aggregated", () => {
  test.each(AGGREGATES)("$name", ({ data, records }) => {
    for (const envelope of ["frame", "raw"] as const) {
      const content = contentOf(stored({ Data: Buffer.from(data, "base64"), PartitionKey: "a" }), envelope, ALL);
      if (content.kind !== "messages") throw new Error(content.kind);
      expect(content.messages.map(({ key, value }) => [Buffer.from(key!).toString(), Buffer.from(value!).toString()])).toEqual(records);
      const positions = records.length === 1 ? [SEQUENCE] : records.map((_, index) => `${SEQUENCE}/${index}`);
      expect(content.messages.map(({ position }) => position)).toEqual(positions);
    }
  });

  test("those of other shards are left out, and keep their numbers", () => {
    const { data, records } = AGGREGATES[0]!;
    const shard = hashOf(records[1]![0]);
    const content = contentOf(stored({ Data: Buffer.from(data, "base64"), PartitionKey: "a" }), "frame", {
      firstHash: shard,
      lastHash: shard,
    });
    expect(content).toMatchObject({ kind: "messages", messages: [{ position: `${SEQUENCE}/1` }] });
  });

  test.each([
    ["a byte of the content", 10],
    ["a byte of the digest", -1],
    ["a byte of the magic", 1],
  ])("with %s changed it is one record", (_, at) => {
    const data = Buffer.from(AGGREGATES[0]!.data, "base64");
    data[at < 0 ? data.length + at : at]! ^= 1;
    expect(contentOf(stored({ Data: data, PartitionKey: "a" }), "frame", ALL)).toMatchObject({
      messages: [{ position: SEQUENCE, value: data }],
    });
  });

  test("with a valid digest over a broken structure it is one record", () => {
    const content = Buffer.from([0x0a, 0x7f, 0x61]);
    const data = Buffer.concat([Buffer.from("f3899ac2", "hex"), content, createHash("md5").update(content).digest()]);
    expect(contentOf(stored({ Data: data, PartitionKey: "a" }), "frame", ALL)).toMatchObject({ messages: [{ value: data }] });
  });
});

test("positions are ordered as numbers, and a record is behind its messages", () => {
  const longer = `${SEQUENCE}0`;
  const order = ["7/0", "7/1", "7/10", "7", "8", "10", SEQUENCE, longer];
  expect(order.toSorted((a, b) => comparePositions(b, a)).toSorted(comparePositions)).toEqual(order);
  for (const malformed of ["", "x", "01", "-1", "7/", "7/01", "7/x", "1.5"]) {
    expect(() => comparePositions(malformed, "7")).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  }
});

test("hashes are those that the service shows", () => {
  // MD5 of the text "a", as a number.
  expect(hashOf("a")).toBe(0x0cc175b9c0f1b6a831c399e269772661n);
});
