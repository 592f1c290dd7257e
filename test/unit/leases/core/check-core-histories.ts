import type { Stack } from "../world/engine.ts";
import { randomCoreHistory } from "./random-core-history.ts";

const PATIENCE_MS = 30_000;

/**
 * Tries the histories of these seeds.
 * @returns how many messages are stored as handled in the end
 * @throws at the first violation: what it is, the steps before it, and how to repeat it
 */
export async function checkCoreHistories(stack: Stack, from: number, count: number): Promise<number> {
  let sum = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    try {
      sum += await randomCoreHistory(stack, seed, PATIENCE_MS);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`seed ${seed}: ${text}\n  repeat it: await checkCoreHistories(stack, ${seed}, 1)`, { cause: error });
    }
  }
  return sum;
}
