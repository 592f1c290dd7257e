import { idleLeasesCpu } from "./lease-cpu.ts";
import { type LeaseCosts, leaseCosts } from "./lease-costs.ts";
import { type Bar, type BenchResult, median, rounded } from "./result.ts";

const CPU_RUNS = 3;
const MOST_CPU_RUNS = 6;

/**
 * What groups by leases cost: the calls of a store, which are paid for by number, and the processor. Calls are counted in virtual time, so they are
 * the same in each run and need no control. The processor's bar is many times what is measured, so that it needs none either; where the machine
 * cannot keep the time of the leases, the run is void.
 * @param tell progress, for people
 */
export async function benchLeases(tell: (text: string) => void): Promise<BenchResult> {
  const idle = await leaseCosts(0);
  tell("counted an idle hour");
  const busy = await leaseCosts(1);
  tell("counted a busy hour");
  const parts: number[] = [];
  for (let run = 0; run < MOST_CPU_RUNS && parts.length < CPU_RUNS; run += 1) {
    const part = await idleLeasesCpu();
    if (part === null) tell("the machine was not quiet: once more");
    else parts.push(part);
  }
  tell(`1,000 idle leases: ${parts.map((part) => `${(100 * part).toFixed(2)} %`).join(", ")} of a core`);
  return {
    provider: "leases",
    control: 1,
    void: parts.length < CPU_RUNS,
    bars: [
      // A renewal every three seconds, and a list of all rows twice in a session of 30 s.
      ...barsOf("idle", idle, { writes: [1_260, 1_200], kilobytes: [236, 216], reads: [250, 240] }),
      // A settlement a second, which is a renewal as well.
      ...barsOf("busy, settled once a second", busy, { writes: [3_700, 3_600], kilobytes: [710, 650], reads: [250, 240] }),
      ...(parts.length < CPU_RUNS ? [] : [bar("1,000 idle leases: % of a core, beside the calls", 100 * median(parts), 5, 2, CPU_RUNS)]),
    ],
  };
}

type Limits = readonly [must: number, aim: number];

function barsOf(name: string, costs: LeaseCosts, limits: { writes: Limits; kilobytes: Limits; reads: Limits }): readonly Bar[] {
  return [
    bar(`${name}: writes a partition and hour`, costs.writesPerRow, ...limits.writes),
    bar(`${name}: kB written a partition and hour`, costs.writtenKilobytesPerRow, ...limits.kilobytes),
    bar(`${name}: reads of a row an hour`, costs.readsPerRow, ...limits.reads),
    // Of the group's row, once a second.
    bar(`${name}: other reads a member and hour`, costs.groupReads, 3_660, 3_600),
  ];
}

function bar(name: string, value: number, must: number, aim: number, pairs = 1): Bar {
  return { name, value: rounded(value), better: "lower", must, aim, pairs };
}
