import { describe, expect, test } from "vitest";
import { createConsumer } from "../../../src/consume/consumer.ts";
import { isStreamError } from "../../../src/errors.ts";
import * as engine from "../../../src/leases/index.ts";
import { CoreWorld } from "./core/core-world.ts";
import { cleanLeave } from "./core/histories/clean-leave.ts";
import { crash } from "./core/histories/crash.ts";
import type { History } from "./core/histories/history.ts";
import { littleRoom } from "./core/histories/little-room.ts";
import { outage } from "./core/histories/outage.ts";
import { resetBesideFrozen, resetBesideFrozenAndOther } from "./core/histories/reset-beside-frozen.ts";
import { rollingRestart } from "./core/histories/rolling-restart.ts";
import { unfinishedFirst } from "./core/histories/unfinished-first.ts";
import { loadStack } from "./load-mutant.ts";
import type { Stack } from "./world/engine.ts";
import { BrokenPromise } from "./world/virtual-clock.ts";

// The real core over the leases: nothing settled is repeated, and nothing unhandled is skipped, whatever becomes of the members.

const HISTORIES = [cleanLeave, rollingRestart, crash, unfinishedFirst, resetBesideFrozen, resetBesideFrozenAndOther, outage, littleRoom];
/** Under load, everything takes longer. */
const SOUND_PATIENCE_MS = 30_000;
/** What a defect keeps from coming to pass is not waited for so long. */
const MUTANT_PATIENCE_MS = 400;

async function play(stack: Stack, history: History, patienceMs: number): Promise<void> {
  const world = new CoreWorld(stack, patienceMs, history);
  try {
    await history.play(world);
  } catch (error) {
    await world.abandon();
    throw error;
  }
}

describe.each(HISTORIES)("$name", (history) => {
  test("holds", async () => {
    await play({ engine, createConsumer }, history, SOUND_PATIENCE_MS);
  }, 60_000);

  test.each(history.mutants)(
    "catches $name",
    async (mutant) => {
      const failure = await play(await loadStack(mutant), history, MUTANT_PATIENCE_MS).then(
        () => null,
        (error: unknown) => error,
      );
      // A mutant that does not even run would prove nothing.
      expect(failure instanceof BrokenPromise || isStreamError(failure), String(failure)).toBe(true);
    },
    60_000,
  );
});
