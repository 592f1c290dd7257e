import { setTimeout as sleep } from "node:timers/promises";
import { type ChildPartition, type DriverReport, type Sink, StreamError, isStreamError } from "../../src/driver/index.ts";
import { type Clock, type PartitionSource, leaseConsumer } from "../../src/leases/index.ts";
import { calibrationFactor, hashNanoseconds } from "./calibration.ts";
import { cpuMicroseconds } from "./cpu.ts";
import { RowsInMemory } from "./rows-in-memory.ts";

const LEASES = 1_000;
/** The default of consumers. */
const SESSION_MS = 30_000;
const WATCH_MS = 1_000;
/** The member's time runs so many times as fast as the machine's: its work in a minute is done in six seconds. */
const SPEED = 10;
/** By the member's time: each lease is renewed twenty times, and all rows are listed four times. */
const MEASURED_MS = 60_000;
const LEAST_WRITES = (LEASES * MEASURED_MS) / 3_500;

const fastClock: Clock = {
  nowMs: () => performance.now() * SPEED,
  wallMs: () => performance.now() * SPEED,
  sleep: async (ms, signal) => sleep(ms / SPEED, undefined, { signal }),
};

/** Nothing is stored in any partition, and a fetch waits as long as it may. */
const SILENT: PartitionSource = {
  describe: async () => ({
    identity: { cluster: "bench", topic: "bench", incarnation: "1" },
    partitions: Array.from({ length: LEASES }, (_, index): ChildPartition => ({ partition: `shard-${index}`, parents: [] })),
  }),
  resolve: async () => new Map(),
  open: () => ({
    fetch: async (signal) => {
      const over = Promise.withResolvers<never>();
      signal.addEventListener("abort", () => over.reject(signal.reason), { once: true });
      return over.promise;
    },
    close: async () => {},
  }),
  compare: (a, b) => Number(a) - Number(b),
};

/**
 * Processor time of one member with 1,000 idle leases, as a part of one core, on the reference machine. What a store and a service take
 * for their calls is not in it.
 * @returns `null`: the machine was not quiet, and the leases were renewed late
 */
export async function idleLeasesCpu(): Promise<number | null> {
  const store = new RowsInMemory();
  let assigned = 0;
  const failures: StreamError[] = [];
  const sink: Sink = {
    joined: () => {},
    rejoining: () => {},
    assigned: () => void (assigned += 1),
    deliver: async () => {},
    unreadable: async () => {},
    advanced: () => {},
    forgetAhead: () => {},
    caughtUp: () => {},
    ended: () => {},
    revoking: async () => {},
    lost: () => void (assigned -= 1),
    gap: async () => {},
    failed: (error) => void failures.push(error),
  };
  const member = leaseConsumer(
    {
      store,
      source: SILENT,
      clock: fastClock,
      watchMs: WATCH_MS,
      report: Object.assign((_: DriverReport) => {}, { wants: () => false }),
      classify: (error) => (isStreamError(error) ? error : new StreamError("internal", "a defect of the engine", { cause: error })),
    },
    {
      group: "bench",
      nativeGroup: undefined,
      initialPosition: { kind: "earliest" },
      sessionTimeoutMs: SESSION_MS,
      maxBufferedBytes: 1_000_000,
    },
  );
  await member.start(sink, new AbortController().signal);
  await sleep(MEASURED_MS / SPEED / 4);
  const before = store.writes;
  const hashBefore = hashNanoseconds();
  const microseconds = await cpuMicroseconds(async () => sleep(MEASURED_MS / SPEED));
  const hash = (hashBefore + hashNanoseconds()) / 2;
  const isLate = assigned !== LEASES || store.writes - before < LEAST_WRITES;
  await member.close();
  if (failures.length > 0) throw failures[0]!;
  if (isLate) return null;
  return ((microseconds / 1_000) * calibrationFactor(hash)) / MEASURED_MS;
}
