import { firstReplayedMilliseconds } from "./first-replayed.ts";
import { inFlightHeapBytes } from "./in-flight-heap.ts";
import { keyInversions } from "./key-inversions.ts";
import { PAIRS, measureCpu } from "./memory-cpu.ts";
import { type BenchResult, isWithinControl, rounded } from "./result.ts";

const RUNS = 3;

/** @param tell progress, for people */
export async function benchMemory(tell: (text: string) => void): Promise<BenchResult> {
  let figures = await measureCpu();
  for (let run = 1; run < RUNS && !isWithinControl(figures.control); run += 1) {
    tell(`the control came out at ${figures.control.toFixed(3)}: once more`);
    figures = await measureCpu();
  }
  tell(`calibration: ${figures.hashNanoseconds.toFixed(1)} ns a hash on this machine; 21 ns is what the figures are stated for`);
  const once = { better: "lower", pairs: 1 } as const;
  return {
    provider: "memory",
    control: rounded(figures.control),
    void: !isWithinControl(figures.control),
    bars: [
      {
        name: "publish by sendBatch of 1,000: CPU µs a message",
        value: rounded(figures.publish),
        better: "lower",
        must: 1.2,
        aim: 0.8,
        pairs: PAIRS,
      },
      {
        name: "run with a synchronous handler: CPU µs a message",
        value: rounded(figures.handle),
        better: "lower",
        must: 1,
        aim: 0.5,
        pairs: PAIRS,
      },
      { name: "heap of an in-flight send: kB", value: rounded((await inFlightHeapBytes()) / 1_000), must: 0.5, aim: 0.3, ...once },
      { name: "key inversions with faults, same tick or not", value: await keyInversions(), must: 0, aim: 0, ...once },
      { name: "first replayed message: ms", value: rounded(await firstReplayedMilliseconds()), must: 300, aim: 20, ...once },
    ],
  };
}
