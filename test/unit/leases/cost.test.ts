import { expect, test } from "vitest";
import * as engine from "../../../src/leases/index.ts";
import { groupColumns, leaseColumns } from "../../../src/leases/index.ts";
import type { GroupRow, LeaseRow } from "../../../src/leases/index.ts";
import type { StoreCall } from "./world/hostile-store.ts";
import { World } from "./world/world.ts";

const ROWS = 100;
const MINUTE_MS = 60_000;

interface Cost {
  readonly writes: number;
  readonly writtenBytes: number;
  readonly groupReads: number;
  readonly lists: number;
  readonly otherReads: number;
}

function bytesOf(row: LeaseRow | GroupRow): number {
  const columns = "partition" in row ? leaseColumns(row) : groupColumns(row);
  return Object.entries(columns).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
}

/** What one minute of a member with 100 rows costs, beside so many records a second in each partition. */
async function minuteOf(recordsPerSecond: number): Promise<Cost> {
  const world = new World(engine, ROWS);
  const calls = new Map<StoreCall, number>();
  let writtenBytes = 0;
  const a = await world.joined("a", {
    called: (call, row) => {
      calls.set(call, (calls.get(call) ?? 0) + 1);
      if (row !== null) writtenBytes += bytesOf(row);
    },
  });
  expect(a.partitions).toHaveLength(ROWS);
  await world.clock.advance(10_000);
  calls.clear();
  writtenBytes = 0;
  for (let passed = 0; passed < MINUTE_MS; passed += 1_000) {
    for (const shard of world.topic.open) world.topic.append(shard, recordsPerSecond);
    await world.clock.advance(1_000);
  }
  const cost = {
    writes: (calls.get("swap") ?? 0) + (calls.get("writeGroup") ?? 0) + (calls.get("create") ?? 0),
    writtenBytes,
    groupReads: calls.get("readGroup") ?? 0,
    lists: calls.get("list") ?? 0,
    otherReads: calls.get("read") ?? 0,
  };
  await world.closeAll();
  return cost;
}

test("an idle member with 100 rows renews each every three seconds, and reads the group's row every second", async () => {
  const { writes, writtenBytes, groupReads, lists, otherReads } = await minuteOf(0);
  expect(writes).toBeLessThanOrEqual(ROWS * 20);
  expect(writes).toBeGreaterThanOrEqual(ROWS * 15);
  expect(writtenBytes / writes).toBeLessThanOrEqual(220);
  expect(groupReads).toBeLessThanOrEqual(61);
  expect(lists).toBeLessThanOrEqual(13);
  expect(otherReads).toBe(0);
});

test("a busy member writes each row once for each settlement, and renews nothing besides", async () => {
  const { writes, writtenBytes, groupReads, lists, otherReads } = await minuteOf(5);
  expect(writes).toBeLessThanOrEqual(ROWS * 61);
  expect(writtenBytes / writes).toBeLessThanOrEqual(220);
  expect(groupReads).toBeLessThanOrEqual(61);
  expect(lists).toBeLessThanOrEqual(13);
  expect(otherReads).toBe(0);
});
