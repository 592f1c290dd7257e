import { expect, test } from "vitest";
import { createConsumer } from "../../src/consume/consumer.ts";
import * as engine from "../../src/leases/index.ts";
import { checkCoreHistories } from "../unit/leases/core/check-core-histories.ts";
import { checkHistories } from "../unit/leases/world/check-histories.ts";

const SEEDS = 10_000;
const CORE_SEEDS = 3_000;

test("ten thousand random histories of groups by leases, other ones each time, break no promise", async () => {
  // The error of a violation names its seed.
  const from = Math.floor(Math.random() * 2 ** 31);
  const seen = await checkHistories(engine, from, SEEDS);
  expect(seen.settled).toBeGreaterThan(5 * SEEDS);
});

test("three thousand random histories of members with the real core, other ones each time, repeat nothing and leave nothing out", async () => {
  const from = Math.floor(Math.random() * 2 ** 31);
  const settled = await checkCoreHistories({ engine, createConsumer }, from, CORE_SEEDS);
  expect(settled).toBeGreaterThan(10 * CORE_SEEDS);
});
