import type { Engine } from "./engine.ts";
import type { Oracle } from "./oracle.ts";
import { randomHistory } from "./random-history.ts";

/**
 * Tries the histories of these seeds.
 * @returns what was seen in all of them
 * @throws at the first violation: what it is, the steps before it, and how to repeat it
 */
export async function checkHistories(engine: Engine, from: number, count: number): Promise<Oracle["seen"]> {
  const sum = { assigned: 0, delivered: 0, settled: 0, moved: 0, resumed: 0 };
  for (let seed = from; seed < from + count; seed += 1) {
    const { violations, seen, steps } = await randomHistory(engine, seed);
    if (violations.length > 0) {
      const repeat = `repeat it: await checkHistories(engine, ${seed}, 1)`;
      throw new Error([`seed ${seed}: ${violations[0]}`, ...violations.slice(1, 5), repeat, ...steps].join("\n  "));
    }
    for (const name of ["assigned", "delivered", "settled", "moved", "resumed"] as const) sum[name] += seen[name];
  }
  return sum;
}
