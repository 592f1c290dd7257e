import { expect, test } from "vitest";
import * as engine from "../../../src/leases/index.ts";
import { checkHistories } from "./world/check-histories.ts";

/** The long tier tries more of them, other ones each time. */
const SEEDS = 1_000;

test("random histories of members, freezes, resets, splits, merges and deletions break no promise", async () => {
  const seen = await checkHistories(engine, 1, SEEDS);
  // What nothing has happened in proves nothing.
  expect(seen.assigned).toBeGreaterThan(5 * SEEDS);
  expect(seen.settled).toBeGreaterThan(5 * SEEDS);
  expect(seen.moved).toBeGreaterThan(SEEDS);
  expect(seen.resumed).toBeGreaterThan(SEEDS / 10);
});
