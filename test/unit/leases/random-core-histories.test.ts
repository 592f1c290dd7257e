import { expect, test } from "vitest";
import { createConsumer } from "../../../src/consume/consumer.ts";
import * as engine from "../../../src/leases/index.ts";
import { checkCoreHistories } from "./core/check-core-histories.ts";

/** The long tier tries more of them, other ones each time. */
const SEEDS = 150;

test("random histories of members with the real core repeat nothing that is stored as handled, and leave nothing out", async () => {
  const settled = await checkCoreHistories({ engine, createConsumer }, 1, SEEDS);
  // What nothing has happened in proves nothing.
  expect(settled).toBeGreaterThan(10 * SEEDS);
}, 120_000);
