import * as engine from "../../src/leases/index.ts";
import { type GroupRow, type LeaseRow, groupColumns, leaseColumns } from "../../src/leases/index.ts";
import type { StoreCall } from "../unit/leases/world/hostile-store.ts";
import { World } from "../unit/leases/world/world.ts";

const ROWS = 40;
/** As long as a random one. */
const MEMBER = "0b1f8ac5-7c53-4f2c-9d0e-5a3e6d1c2b";
const HOUR_MS = 3_600_000;
/** The default of consumers. */
const SESSION_MS = 30_000;
const STEP_MS = 1_000;
/** What comes behind the join is not counted. */
const WARM_UP_MS = 60_000;

/** What one member with 40 partitions asks of its store in an hour. */
export interface LeaseCosts {
  /** Of each row. */
  readonly writesPerRow: number;
  /** Of each row, by names and values of its columns. */
  readonly writtenKilobytesPerRow: number;
  /** Of each row: by lists of all rows, and by itself. */
  readonly readsPerRow: number;
  readonly groupReads: number;
}

function bytesOf(row: LeaseRow | GroupRow): number {
  const columns = "partition" in row ? leaseColumns(row) : groupColumns(row);
  return Object.entries(columns).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
}

/** An hour of virtual time, with so many messages a second in each partition, which are settled once a second. */
export async function leaseCosts(messagesPerSecond: number): Promise<LeaseCosts> {
  const world = new World(engine, ROWS);
  const calls = new Map<StoreCall, number>();
  let writtenBytes = 0;
  const member = await world.joined(
    MEMBER,
    {
      called: (call, row) => {
        calls.set(call, (calls.get(call) ?? 0) + 1);
        if (row !== null) writtenBytes += bytesOf(row);
      },
    },
    { sessionTimeoutMs: SESSION_MS },
  );
  await world.clock.advance(WARM_UP_MS);
  if (member.partitions.length !== ROWS) throw new Error(`the member owns ${member.partitions.length} of ${ROWS} partitions`);
  calls.clear();
  writtenBytes = 0;
  for (let passedMs = 0; passedMs < HOUR_MS; passedMs += STEP_MS) {
    for (const shard of world.topic.open) world.topic.append(shard, messagesPerSecond);
    await world.clock.advance(STEP_MS);
  }
  const count = (...names: readonly StoreCall[]): number => names.reduce((sum, name) => sum + (calls.get(name) ?? 0), 0);
  const costs = {
    writesPerRow: count("swap", "create", "remove", "writeGroup") / ROWS,
    writtenKilobytesPerRow: writtenBytes / ROWS / 1_000,
    readsPerRow: count("list") + count("read") / ROWS,
    groupReads: count("readGroup"),
  };
  await world.closeAll();
  return costs;
}
