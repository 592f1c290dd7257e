import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { BreakableRoad } from "./breakable-road.ts";

/** What takes part: how a message is sent, and the values that a group has handled. */
export interface SilentLoss {
  readonly road: BreakableRoad;
  readonly send: (value: string) => Promise<unknown>;
  readonly values: readonly string[];
}

/** Connections that were in use are forgotten on the way without a word. @returns how long after that a send, and the group, went on */
export async function afterSilentLoss({
  road,
  send,
  values,
}: SilentLoss): Promise<{ readonly sentMs: number; readonly handledMs: number }> {
  await send("0");
  await expect.poll(() => values, { timeout: 10_000 }).toEqual(["0"]);
  await delay(500);
  expect(road.forget()).toBeGreaterThan(1);
  const lostMs = performance.now();
  await send("1");
  const sentMs = performance.now() - lostMs;
  await expect.poll(() => values.includes("1"), { timeout: 120_000 }).toBe(true);
  return { sentMs, handledMs: performance.now() - lostMs };
}
