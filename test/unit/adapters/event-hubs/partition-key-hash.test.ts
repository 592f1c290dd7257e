import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { partitionIndexOf } from "../../../../adapters/event-hubs/produce/partition-key-hash.ts";
import { partitionOfKey } from "../../../../localstack/event-hubs/hubs/partition-key-hash.ts";

interface Mapper {
  mapPartitionKeyToId(this: void, partitionKey: string, partitionCount: number): number;
}

/** Of every length, so that each part of the last block counts; some are not ASCII. */
const KEYS = Array.from({ length: 200 }, (_, length) => {
  const text = createHash("sha512").update(String(length)).digest("base64").repeat(3).slice(0, length);
  return length % 3 === 0 ? text.replaceAll("a", "ü").replaceAll("b", "漢") : text;
});

test("a key goes to the partition that the buffered producer of the vendor's SDK computes", async () => {
  const path = import.meta.resolve("@azure/event-hubs").replace(/index\.js$/, "impl/partitionKeyToIdMapper.js");
  const { mapPartitionKeyToId } = (await import(path)) as Mapper;
  for (const partitions of [1, 2, 4, 7, 32, 100, 1_024]) {
    const own = KEYS.map((key) => partitionIndexOf(Buffer.from(key), partitions));
    expect(own).toEqual(KEYS.map((key) => mapPartitionKeyToId(key, partitions)));
    expect(own).toEqual(KEYS.map((key) => partitionOfKey(key, partitions)));
  }
});
