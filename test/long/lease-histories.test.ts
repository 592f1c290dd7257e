import { expect, test } from "vitest";
import * as engine from "../../src/leases/index.ts";
import { checkHistories } from "../unit/leases/world/check-histories.ts";

const SEEDS = 10_000;

test("ten thousand random histories of groups by leases, other ones each time, break no promise", async () => {
  // The error of a violation names its seed.
  const from = Math.floor(Math.random() * 2 ** 31);
  const seen = await checkHistories(engine, from, SEEDS);
  expect(seen.settled).toBeGreaterThan(5 * SEEDS);
});
