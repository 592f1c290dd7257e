import { setTimeout as sleep } from "node:timers/promises";
import { collectGarbage } from "../bench/cpu.ts";

const ROUNDS = 8;
const ROUND_MS = 250;

/** Bytes that this process holds now, garbage excluded. */
export function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The same when timers and commits under way have let go of what they hold: the least of some seconds. */
export async function settledBytes(): Promise<number> {
  let least = heldBytes();
  for (let round = 0; round < ROUNDS; round += 1) {
    await sleep(ROUND_MS);
    least = Math.min(least, heldBytes());
  }
  return least;
}
